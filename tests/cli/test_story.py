"""Events in words."""

import pytest

from bounced.cli.times import shown
from bounced.core.contract.event_words import sentence

_DISPUTE = "its domain or provider"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {
                "type": "transition",
                "kind": "bounce",
                "category": "mailbox_full",
                "class": "soft",
                "diagnostic": "552 over quota",
                "before": "bouncing",
                "after": "held",
                "until": "2026-06-01T10:00:00Z",
                "reason": "threshold",
            },
            "mailbox full (soft): 552 over quota; now held until 2026-06-01 10:00; that reached the threshold",
        ),
        (
            {"type": "transition", "before": "held", "after": "bouncing", "reason": "due"},
            "its time came; now bouncing",
        ),
        (
            {"type": "transition", "before": "suppressed", "after": "active", "reason": "released", "note": "fixed"},
            'an operator released it; now active; "fixed"',
        ),
        (
            {"type": "release", "before": "held", "after": "active", "reason": "released", "actor": "claimed:lena"},
            "an operator released it; now active; by claimed:lena",
        ),
        (
            {"type": "addresses.recovered", "addresses": "40000", "filters": "provider yahoo", "actor": "lena"},
            "40000 addresses were recovered (provider yahoo); by lena",
        ),
        ({"type": "addresses.released", "addresses": "1", "note": "mistake"}, '1 address was released; "mistake"'),
        (
            {
                "type": "report",
                "kind": "complaint",
                "category": "unsubscribed",
                "before": "active",
                "after": "suppressed",
            },
            "an unsubscription, passed on by a provider; now suppressed",
        ),
        (
            {"type": "report", "kind": "auto_reply", "before": "active", "after": "active", "reason": "no_verdict"},
            "an automatic reply; still active; nothing that speaks against the address",
        ),
        (
            {
                "type": "mailed_while_suppressed",
                "kind": "bounce",
                "category": "mailbox_unknown",
                "class": "hard",
                "campaign": "spring",
                "before": "suppressed",
                "after": "suppressed",
                "reason": "already_suppressed",
            },
            "mailed while suppressed: mailbox unknown (hard) (campaign spring); still suppressed; suppressed already",
        ),
        (
            {"type": "report", "kind": "bounce", "category": "undetermined", "class": "undetermined"},
            "undetermined (undetermined)",
        ),
        (
            {
                "type": "provider.disputed",
                "provider": "yahoo",
                "addresses": "120",
                "until": "2026-06-01T10:00:00Z",
                "origin": "daemon",
            },
            "yahoo called 120 addresses unknown; it is not believed until 2026-06-01 10:00",
        ),
        (
            {"type": "transition", "before": "suppressed", "after": "held", "reason": "disputed"},
            f"{_DISPUTE} called many addresses unknown; now held; {_DISPUTE} is not believed now",
        ),
        ({"type": "alarm"}, "alarm"),
    ],
)
def test_an_event_reads_like_a_sentence(fields: dict[str, str], told: str) -> None:
    """What came, what followed, why; what nobody knows is left out."""
    assert sentence(fields, shown) == told
