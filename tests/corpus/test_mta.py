"""What real Postfix, Exim, OpenSMTPD and Sendmail said, read in order, ends in the right conclusion."""

import json
from pathlib import Path
from typing import Any

import pytest

from bounced.core import mailbox
from bounced.core.meaning.attribute import group_for
from bounced.core.meaning.classify import classify
from bounced.core.reading.report import parse
from bounced.core.terms import Action, Class, PerRecipientFields, Report
from bounced.explain import packaged_rules

FOLDER = Path(__file__).parent / "mta"
CASES = [json.loads(line) for line in (FOLDER / "expected.jsonl").read_text().splitlines()]
# The expectations know four classes: what may pass counts as soft there.
COARSE = {Class.TRANSIENT: "soft", Class.UNDETERMINED: "soft"}


def concluded(report: Report, recipient: str) -> str:
    """Return what one report says of a recipient, in the words of the expectations."""
    attribution = group_for(report, mailbox.normalise(recipient))
    verdict = classify(attribution.fields or PerRecipientFields(), report, packaged_rules())
    if verdict.action is Action.DELAYED:
        return "none"
    if verdict.class_ is Class.HARD and not attribution.names_recipient:
        return "soft"
    return COARSE.get(verdict.class_, str(verdict.class_))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['mta']}-{case['case']}")
def test_the_last_message_decides_as_a_suppression_list_should(case: dict[str, Any]) -> None:
    """A delay leaves the mailbox alone; the final notice has the class that is expected."""
    conclusions = [concluded(parse((FOLDER / name).read_bytes()), case["recipient"]) for name in case["messages"]]
    final = next((conclusion for conclusion in reversed(conclusions) if conclusion != "none"), "none")
    assert final in case["acceptable"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['mta']}-{case['case']}")
def test_a_report_names_the_recipient_of_its_return_path_unless_a_member_of_it_failed(case: dict[str, Any]) -> None:
    """Aliases apart, not one of these was forwarded, so each group is the recipient's own."""
    for name in case["messages"]:
        report = parse((FOLDER / name).read_bytes())
        attribution = group_for(report, mailbox.normalise(case["recipient"]))
        assert attribution.names_recipient is ("member" not in case["about"])
