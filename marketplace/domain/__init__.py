"""The marketplace's rules as plain Python: no Django, no clock, no network."""
