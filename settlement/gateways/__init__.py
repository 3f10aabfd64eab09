"""The outside systems of settlement: one file each."""
