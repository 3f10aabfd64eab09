"""Writes: one file per noun. Every action takes `now`, and logs what it did in the same transaction."""
