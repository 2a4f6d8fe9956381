"""Whom the words about a recipient name beside it."""

import time

import pytest

from bounced.core.meaning.parties import Parties
from bounced.core.terms import Kind, PerRecipientFields, Report

WHO = Parties(PerRecipientFields(final_recipient="bob@example.net"), Report(Kind.BOUNCE, "rfc3464"))


@pytest.mark.parametrize("piece", ["a", "A-", "1_"])
def test_a_word_that_never_ends_holds_nobody_up(piece: str) -> None:
    """Each place where a host's name may begin is tried once."""
    started = time.process_time()
    assert WHO.names_nobody(piece * 4000)
    assert time.process_time() - started < 0.01


@pytest.mark.parametrize("words", ["mx.example.org", "<mx-1.example.org>", "of mail_1.example", "to bob@example.net"])
def test_a_host_or_an_address_is_somebody(words: str) -> None:
    """Wherever in a sentence it stands."""
    assert not WHO.names_nobody(f"unknown host {words}: sorry")
