"""A private Redis-compatible server for newcomers and tests: a child process that keeps its data in a folder."""

from bounced.edges.redis.embedded.folder import Folder
from bounced.edges.redis.embedded.server import EmbeddedServer, redis_url
from bounced.ports import NoServer

__all__ = ["EmbeddedServer", "Folder", "NoServer", "redis_url"]
