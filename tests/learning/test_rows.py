"""The row that would catch a group."""

from pathlib import Path

import pytest

from bounced import rules
from bounced.learning.evidence import Judge
from bounced.learning.groups import Groups
from bounced.learning.rows import ProposedRow, propose

RULES = rules.packaged()
REPLIES = [
    "550 Sending pool frobnicated (PX-17) for <{name}@example.org>",
    "550 Sorry {name}, quux flurb 12345 here: mx1.example.net says bye",
    "550 zork of {name} is blorped. Look into https://example.net/y?z=1 for more",
    "host mx.example.com[192.0.2.1] said: 550 zork nimble {name} blorp (in reply to RCPT TO command)",
    "550 Le destinataire {name} ne figure plus chez nous; merci",
    "554 relais quantique saturé (id={name}123def) réf. #99",
    "550 blorp's 'quoted' \"words\" [and] (brackets) *stars* ^hat$ 100% frobnicated",
    "550 魔法使いはこの塔にいません",
    "550 INVALID_FROBNICATION wizard_tower blorped",
]


def proposed(reply: str) -> ProposedRow | None:
    """Return the row for what two recipients were told."""
    judge, groups = Judge(RULES), Groups()
    for name in ("alice", "bob"):
        event = {"type": "report", "kind": "bounce", "category": "undetermined", "rule": "none"}
        told = {"address": f"{name}@example.org", "diagnostic": reply.format(name=name), "at": "2026-11-21T10:00:00Z"}
        one = judge.of_event("main", event | told)
        assert one is not None
        groups.add(one)
    [group] = groups.biggest()
    return propose(group)


@pytest.mark.parametrize("reply", REPLIES)
def test_a_row_loads_and_its_example_leads_to_it(tmp_path: Path, reply: str) -> None:
    """So it can be pasted, whatever stands in the words."""
    row = proposed(reply)
    assert row is not None
    assert not any(name in row.toml() for name in ("alice", "bob"))
    (tmp_path / "own.toml").write_text(row.toml().replace('"undetermined"', '"rate_limited"'))
    assert rules.load([tmp_path / "own.toml"]).rules[0].id == row.id


@pytest.mark.parametrize("reply", ["550 <{name}@example.org>", "550 no: 17", "550 5.7.1", "550 mx.example.net"])
def test_too_few_words_make_no_row(reply: str) -> None:
    """It would catch other replies too."""
    assert proposed(reply) is None


def test_an_id_that_is_taken_is_not_used_again() -> None:
    """A number is put behind it."""
    judge, groups = Judge(RULES), Groups()
    event = {"type": "report", "kind": "bounce", "category": "undetermined", "address": "alice@example.org"}
    one = judge.of_event("main", event | {"diagnostic": "550 sending pool frobnicated"})
    assert one is not None
    groups.add(one)
    [group] = groups.biggest()
    taken = {"own.sending-pool-frobnicated", "own.sending-pool-frobnicated-2"}
    row = propose(group, taken)
    assert row is not None
    assert row.id == "own.sending-pool-frobnicated-3"
