"""Every mail system's own layout is read: whom it names, and what it says about each."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bounced.core.reading import report

SAMPLES = tomllib.loads((Path(__file__).parent / "samples.toml").read_text())["notice"]


def message(sample: dict[str, Any]) -> bytes:
    """Return a sample as the message that would come."""
    header = f"From: {sample['from']}\nTo: news@sender.example\nSubject: {sample['subject']}\n"
    return f"{header}Content-Type: text/plain; charset=utf-8\n\n{sample['body']}".encode()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["system"])
def test_a_notice_names_its_recipients_and_reasons(sample: dict[str, Any]) -> None:
    """The recipients are found, none else, and each has its own reason among its words."""
    found = report.parse(message(sample))
    assert str(found.kind) == sample["kind"]
    assert {fields.address for fields in found.recipients} == set(sample["recipients"])
    for fields in found.recipients:
        words = f"{fields.status} {fields.diagnostic_code} {fields.text}".split()
        assert sample["recipients"][fields.address] in " ".join(words)
