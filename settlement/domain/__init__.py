"""What settlement promises whatever the weather: states, postings and shares as plain values."""
