"""Inbound bounce processor: SMTP in, suppressed addresses in Redis out."""

from importlib.metadata import version

__version__ = version("bounced")
