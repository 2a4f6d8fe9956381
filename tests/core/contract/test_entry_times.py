"""How the times of an intake entry may be written."""

from datetime import UTC, datetime

import pytest

from bounced.core.contract.intake import check_entry

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-06T23:47:56Z",
        "2026-10-06T23:47:56.6780000+00:00",
        "2026-10-06T23:47:56+0000",
        "2026-10-06 23:47:56.678+00",
        "2026-10-06 23:47:56-05",
    ],
)
def test_a_zone_may_be_hours_alone(text: str) -> None:
    """PostgreSQL writes so, and services show its times; an event is not set aside for that."""
    fields = {"type": "rejected", "address": "alice@example.org", "reply": "550 no", "at": text, "sent_at": text}
    check_entry(fields, NOW, fold_local_part=False)
