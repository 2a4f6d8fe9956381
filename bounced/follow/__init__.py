"""Logs of one's own MTAs, followed: what they say of an address goes into the intake of its list."""
