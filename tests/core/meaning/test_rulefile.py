"""An operator's own rule files: asked first, and refused as a whole with every fault named."""

from pathlib import Path

import pytest

from bounced import rules
from bounced.core.meaning.classify import classify_reply
from bounced.core.meaning.rulefile import Fault, RulesInvalid

OWN = """
[[rule]]
id = "own.parked"
pattern = "parked for the winter"
category = "mailbox_inactive"
example = "550 5.1.1 User unknown, parked for the winter"
not = ["550 5.7.1 The sender is parked for the winter", "421 Server parked for the winter, try again"]
source = "our ferry company"
"""


def _file(folder: Path, content: str) -> Path:
    path = folder / "own.toml"
    path.write_text(content, encoding="utf-8")
    return path


def _faults(folder: Path, content: str) -> tuple[Fault, ...]:
    with pytest.raises(RulesInvalid) as caught:
        rules.load([_file(folder, content)])
    return caught.value.faults


def test_an_operators_row_comes_before_the_packaged_ones(tmp_path: Path):
    """Words that a packaged row knows mean what the operator says they mean."""
    own = rules.load([_file(tmp_path, OWN)])
    assert classify_reply("550 5.1.1 User unknown, parked for the winter", own).rule == "own.parked"
    assert classify_reply("550 5.1.1 User unknown", own).rule != "own.parked"


def test_all_faults_are_told_at_once_with_file_row_key_value_and_what_was_expected(tmp_path: Path):
    """Nobody mends a file one message at a time."""
    content = """
[[rule]]
id = "Own!"
pattern = "("
category = "hard"
example = ""
colour = "blue"

[[rule]]
id = "own.second"
category = "policy"
example = "550 no"
source = "here"
weak = "very"
"""
    faults = _faults(tmp_path, content)
    assert {(fault.row, fault.key) for fault in faults} == {
        ("Own!", "id"),
        ("Own!", "pattern"),
        ("Own!", "category"),
        ("Own!", "example"),
        ("Own!", "source"),
        ("Own!", "colour"),
        ("own.second", "weak"),
        ("own.second", "pattern"),
    }
    assert all(fault.file.endswith("own.toml") and fault.expected for fault in faults)
    told = str(RulesInvalid(faults))
    assert "Own!: category: expected one of mailbox_unknown, " in told
    assert "Own!: source: expected a text, and the key is missing" in told
    assert "Own!: colour: expected a key that docs/rules.md names, got 'blue'" in told


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("a{51}", "51 times"),
        ("x*", "empty text"),
        ("(?P<name>", "RE2"),
        (r"(a)\\1", "RE2"),
    ],
)
def test_a_pattern_that_costs_too_much_or_says_nothing_is_refused(tmp_path: Path, pattern: str, complaint: str):
    """Linear time is promised to everybody, whatever an operator writes."""
    (fault,) = _faults(tmp_path, OWN.replace("parked for the winter", pattern, 1))
    assert complaint in fault.expected


@pytest.mark.parametrize("texts", ["", 'not = ["550 5.7.1 The sender is parked for the winter"]\n'])
def test_a_row_that_condemns_needs_two_counter_examples(tmp_path: Path, texts: str):
    """A pattern that fits somewhere fits elsewhere too: whoever writes it says where it must not."""
    lines = [line for line in OWN.splitlines(keepends=True) if not line.startswith("not = ")]
    (fault,) = _faults(tmp_path, "".join(lines) + texts)
    assert (fault.key, fault.row) == ("not", "own.parked")
    assert "at least two counter-examples" in fault.expected


def test_a_row_that_condemns_nobody_needs_none(tmp_path: Path):
    """What goes wrong there costs nobody his address."""
    row = "".join(line for line in OWN.splitlines(keepends=True) if not line.startswith("not = "))
    own = rules.load([_file(tmp_path, row.replace("mailbox_inactive", "policy"))])
    assert classify_reply("550 5.1.1 User unknown, parked for the winter", own).rule == "own.parked"


def test_a_counter_example_that_condemns_is_a_fault(tmp_path: Path):
    """Whatever row finds it hard, the fault names it."""
    (fault,) = _faults(tmp_path, OWN.replace("421 Server parked for the winter, try again", "550 5.1.1 User unknown"))
    assert (fault.key, fault.value) == ("not", "550 5.1.1 User unknown")
    assert "mailbox.unknown-in-table finds it hard" in fault.expected


def test_a_row_may_be_bound_to_a_provider(tmp_path: Path):
    """By the name of its servers, of its domains, or of a host that the reply names; to nobody else."""
    own = rules.load([_file(tmp_path, OWN + 'provider = ["gmx", "telekom"]\n')])
    said = "550 5.1.1 User unknown, parked for the winter"
    assert classify_reply(f"{said}, see https://postmaster.gmx.net/en/case", own).rule == "own.parked"
    assert classify_reply(f"host mx00.t-online.de[192.0.2.1] said: {said}", own).rule == "own.parked"
    assert classify_reply(said, own).rule != "own.parked"
    assert classify_reply(f"{said}, see https://notgmx.net/", own).rule != "own.parked"


def test_a_provider_that_nobody_knows_is_a_fault(tmp_path: Path):
    """The names are those of the list in the code."""
    (fault,) = _faults(tmp_path, OWN + 'provider = "acme"\n')
    assert (fault.key, fault.value) == ("provider", "acme")
    assert "microsoft" in fault.expected


def test_a_bare_code_may_be_a_providers(tmp_path: Path):
    """Its own code means nothing elsewhere."""
    row = """
[[rule]]
id = "own.code"
status = "5.7.999"
category = "policy"
provider = "gmx"
example = "550 5.7.999 <alice@example.org>"
source = "here"
"""
    own = rules.load([_file(tmp_path, row)])
    assert classify_reply("550 5.7.999 mx00.gmx.net", own).rule == "own.code"
    assert classify_reply("550 5.7.999 mx00.example.net", own).rule != "own.code"


def test_an_example_that_leads_elsewhere_is_a_fault(tmp_path: Path):
    """Such a row would never be reached, or not by what it was written for."""
    (fault,) = _faults(tmp_path, OWN.replace("parked for the winter", "moored in summer", 1))
    assert (fault.key, fault.row) == ("example", "own.parked")


def test_an_id_may_stand_only_once(tmp_path: Path):
    """The id is what history and events name."""
    (fault,) = _faults(tmp_path, OWN + OWN)
    assert fault.key == "id"


def test_a_row_about_a_bare_code_names_codes_of_one_kind(tmp_path: Path):
    """Without a pattern either status or code decides, never neither or both."""
    row = OWN.replace('pattern = "parked for the winter"\n', "")
    assert [fault.key for fault in _faults(tmp_path, row)] == ["pattern"]
    assert [fault.key for fault in _faults(tmp_path, row + 'status = "5.7.999"\ncode = "550"\n')] == ["pattern"]


@pytest.mark.parametrize("content", ["[[rule", "rules = 1", "rule = 3", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_a_file_that_holds_no_rules_is_a_fault(tmp_path: Path, content: str):
    """Never an empty set in silence."""
    assert _faults(tmp_path, content)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path):
    """It is named like any other fault."""
    with pytest.raises(RulesInvalid) as caught:
        rules.load([tmp_path / "missing.toml"])
    assert caught.value.faults[0].expected == "a file that can be read"
