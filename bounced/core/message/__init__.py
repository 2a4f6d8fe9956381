"""A bounded view of a message: header fields, parts, text."""

from bounced.core.message.header import Header, fields, unfold
from bounced.core.message.mime import RETURNED_TYPES, Message, Part, divide, read
from bounced.core.message.text import unwrap_words

__all__ = ["RETURNED_TYPES", "Header", "Message", "Part", "divide", "fields", "read", "unfold", "unwrap_words"]
