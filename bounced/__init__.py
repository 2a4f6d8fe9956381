"""Inbound bounce processor: SMTP in, suppressed addresses in Redis out."""
