"""A bounded view of a message: header fields, parts, text."""

from bounced.core.message.header import Header, unfold
from bounced.core.message.mime import RETURNED_TYPES, Message, Part, header_of, read
from bounced.core.message.text import unwrap_words

__all__ = ["RETURNED_TYPES", "Header", "Message", "Part", "header_of", "read", "unfold", "unwrap_words"]
