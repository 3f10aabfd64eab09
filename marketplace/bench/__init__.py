"""Measurements of a whole house, each beside a yardstick taken in the same run on the same machine."""
