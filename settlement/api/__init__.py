"""What settlement speaks over HTTP by itself: the webhook of the payment provider."""
