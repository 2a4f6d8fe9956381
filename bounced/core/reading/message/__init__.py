"""A bounded view of a message: header fields, parts, text."""

from bounced.core.reading.message.header import Header, unfold
from bounced.core.reading.message.mime import RETURNED_TYPES, Message, Part, header_of, read
from bounced.core.reading.message.text import unwrap_words

__all__ = ["RETURNED_TYPES", "Header", "Message", "Part", "header_of", "read", "unfold", "unwrap_words"]
