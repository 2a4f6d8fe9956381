"""Unsubscribing by a link: a person's browser asks first, a mailbox provider posts.  (RFC 8058)"""

from bounced.web.unsubscribe.handlers import routes

__all__ = ["routes"]
