"""Offers: what may be published, how it ends, and what the public never loses."""
