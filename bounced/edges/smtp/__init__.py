"""The front door: SMTP and LMTP sessions on aiosmtpd's engine, their limits and their replies."""

from bounced.edges.smtp.door import Door
from bounced.edges.smtp.gate import Gate
from bounced.edges.smtp.observer import Observer, Unobserved
from bounced.edges.smtp.settings import SessionLimits, SessionSettings, Speech

__all__ = ["Door", "Gate", "Observer", "SessionLimits", "SessionSettings", "Speech", "Unobserved"]
