"""The one path from a message to a commit."""

from bounced.ports import Committed, Decide, PathRefused, Receiver, Store, StoreUnavailable

__all__ = ["Committed", "Decide", "PathRefused", "Receiver", "Store", "StoreUnavailable"]
