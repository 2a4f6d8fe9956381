"""A bounded view of a message: header fields, parts, text."""

from bounced.core.message.header import Header
from bounced.core.message.mime import Message, Part, header_of, read
from bounced.core.message.text import unwrap_words

__all__ = ["Header", "Message", "Part", "header_of", "read", "unwrap_words"]
