"""How much of a message is looked at: what lies beyond is as if it had not come."""

MAX_CONTENT_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 64 * 1024
MAX_FIELDS = 500
MAX_VALUE_CHARS = 4000
MAX_PARTS = 40
MAX_DEPTH = 8
MAX_TEXT_BYTES = 64 * 1024
