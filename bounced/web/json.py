"""JSON as the application reads and writes it: UTF-8, compact, and nothing in it that cannot be printed."""

import json
from datetime import datetime
from typing import Any

from bounced.core.contract.times import stamp
from bounced.core.escape import json_escaped


def _as_text(value: Any) -> str:
    return stamp(value) if isinstance(value, datetime) else str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, default=_as_text)


def dumped(document: object) -> bytes:
    """Return a document; what cannot be printed stands in JSON's own escapes, half of a surrogate pair too."""
    return json_escaped(_ENCODER.encode(document)).encode()
