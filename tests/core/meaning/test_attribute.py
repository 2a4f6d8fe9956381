"""Whose bounce a report is."""

import itertools

import pytest

from bounced.core.meaning.attribute import group_for
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

ALICE = PerRecipientFields(final_recipient="alice@example.org", action=Action.FAILED, status="5.1.1")
BOB = PerRecipientFields(final_recipient="bob@example.org", action=Action.FAILED, status="4.2.2")
CAROL = PerRecipientFields(final_recipient="carol@example.org", action=Action.DELIVERED, status="2.0.0")


def report(*groups: PerRecipientFields) -> Report:
    """Return a report of these groups."""
    return Report(Kind.BOUNCE, "test", recipients=groups)


def test_the_recipients_own_group_counts_in_any_order() -> None:
    """Never the worst group, never the first."""
    for groups in itertools.permutations((ALICE, BOB, CAROL)):
        found = group_for(report(*groups), "bob@example.org")
        assert found.fields is BOB
        assert found.names_recipient


def test_letter_case_does_not_part_a_recipient_from_its_group() -> None:
    """MTAs write addresses as their users typed them."""
    shouted = PerRecipientFields(final_recipient="Alice@Example.ORG")
    assert group_for(report(shouted), "alice@example.org").names_recipient


def test_the_original_recipient_names_whom_the_final_one_does_not() -> None:
    """After forwarding the final recipient is somebody else."""
    forwarded = PerRecipientFields(original_recipient="alice@example.org", final_recipient="a.smith@example.net")
    assert group_for(report(BOB, forwarded), "alice@example.org").fields is forwarded


def test_an_alias_is_not_named_by_what_failed_for_one_of_its_members() -> None:
    """Postfix writes the alias as Original-Recipient; those who got the mail are not in the report."""
    for member in ("left@example.net", "left"):
        left = PerRecipientFields("team@example.org", member, Action.FAILED, "5.1.1")
        found = group_for(report(left), "team@example.org")
        assert found.fields is left
        assert not found.names_recipient


def test_the_same_user_at_another_host_is_the_recipient() -> None:
    """A gateway hands over to the mail store behind it."""
    for store in ("alice@store.example.org", "Alice@example.onmicrosoft.com", "alice", "|/usr/bin/filter"):
        behind = PerRecipientFields("alice@example.org", store, Action.FAILED, "5.1.1")
        assert group_for(report(behind), "alice@example.org").names_recipient


def test_a_report_that_names_only_another_is_forwarding() -> None:
    """Its only group speaks, but does not name the recipient: hard will count as soft."""
    found = group_for(report(ALICE), "team@example.org")
    assert found.fields is ALICE
    assert not found.names_recipient


def test_of_several_others_the_mildest_speaks_in_any_order() -> None:
    """One ex-employee must not suppress the whole team."""
    for groups in itertools.permutations((ALICE, BOB, CAROL)):
        found = group_for(report(*groups), "team@example.org")
        assert found.fields is CAROL
        assert not found.names_recipient


def test_several_groups_of_one_original_recipient_speak_with_the_mildest() -> None:
    """An alias one of whose members took the mail is no dead address."""
    dead = PerRecipientFields("team@example.org", "alice@example.org", Action.FAILED, "5.1.1")
    alive = PerRecipientFields("team@example.org", "carol@example.org", Action.DELIVERED, "2.0.0")
    assert group_for(report(dead, alive), "team@example.org").fields is alive


def test_an_alias_that_was_expanded_is_alive_whatever_became_of_its_members() -> None:
    """Its own group says so, and each member's names it as the original recipient."""
    expanded = PerRecipientFields(final_recipient="team@example.org", action=Action.EXPANDED, status="2.0.0")
    left = PerRecipientFields("team@example.org", "alice@example.org", Action.FAILED, "5.1.1")
    assert group_for(report(left, expanded), "team@example.org").fields is expanded


def test_words_that_name_nobody_do_not_name_the_recipient() -> None:
    """The return path says whose report it is; the words may be about anybody, so hard counts as soft."""
    found = group_for(report(), "alice@example.org")
    assert found.fields is None
    assert not found.names_recipient


def test_a_local_user_is_the_recipient_of_that_local_part() -> None:
    """Some MTAs leave the domain out."""
    local = PerRecipientFields(final_recipient="alice")
    assert group_for(report(local, BOB), "alice@example.org").fields is local


def test_another_local_user_alone_is_another_recipient() -> None:
    """A member of an alias may be named without a domain."""
    local = PerRecipientFields(final_recipient="bob", action=Action.FAILED, status="5.1.1")
    assert not group_for(report(local), "team@example.org").names_recipient


def test_a_program_alone_contradicts_nobody() -> None:
    """What an alias runs has no address of its own."""
    program = PerRecipientFields(final_recipient="|/usr/bin/filter")
    assert group_for(report(program), "alice@example.org").names_recipient


def test_an_original_recipient_in_xtext_is_the_same_address() -> None:
    """Some MTAs hand ORCPT on as it was written.  (RFC 3461 section 4)"""
    encoded = PerRecipientFields(original_recipient="alice+2Bnews@example.org")
    assert group_for(report(encoded), "alice+news@example.org").names_recipient


def failed(final: str, reply: str = "", **fields: str | None) -> PerRecipientFields:
    """Return the group of a failure."""
    return PerRecipientFields(final_recipient=final, action=Action.FAILED, diagnostic_code=reply or None, **fields)


def is_about(recipient: str, *groups: PerRecipientFields) -> bool:
    """Return whether a report of these groups is about the recipient itself."""
    return group_for(report(*groups), recipient).names_recipient


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <left@example.net>: Recipient address rejected: User unknown in virtual mailbox table",
        "550 5.1.1 left@example.net... User unknown",
        "550 User left@example.net unknown; contact postmaster@example.net",
        "550 5.1.1 left... User unknown",
        "550 5.1.1 <left>: no such user",
    ],
)
def test_a_reply_that_quotes_another_is_about_that_other(reply: str) -> None:
    """Exim and Sendmail write the alias as Final-Recipient for each of its members."""
    assert not is_about("team@example.org", failed("team@example.org", reply))
    assert not group_for(Report(Kind.BOUNCE, "test", text=f"It failed:\n{reply}"), "team@example.org").names_recipient


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <alice@example.org>: Recipient address rejected; contact bob@example.org",
        "550 5.1.1 <Alice@store.example.org>: User unknown",
        "550 5.1.1 <alice@mail.internal>... User unknown",
        "550 5.1.1 alice... User unknown",
        "550 5.1.1 User unknown (sender shop@sender.example)",
        "550 5.1.1 shop@sender.example -> alice@example.org: User unknown",
        "550 5.1.1 shop@sender.example: User unknown",
        "550 5.1.1 b-abc==alice=example.org@bounce.example.com: User unknown",
        "550 5.1.1 User unknown. For help, ask bob@example.org",
    ],
)
def test_a_reply_that_quotes_nobody_else_is_about_the_recipient(reply: str) -> None:
    """The same user at another host, contacts, and our own addresses leave a dead address dead."""
    returned = "From: Shop <shop@sender.example>\nTo: alice@example.org\n"
    group = failed("alice@example.org", reply)
    said = Report(Kind.BOUNCE, "test", recipients=(group,), returned_header=returned)
    assert group_for(said, "alice@example.org").names_recipient


def test_the_address_that_the_notice_went_to_is_the_senders() -> None:
    """A token says nothing of whom it stands for."""
    group = failed("alice@example.org", "550 5.1.1 b-t2345@bounce.example.com, user unknown")
    said = Report(Kind.BOUNCE, "test", recipients=(group,), sent_to=("B-T2345@bounce.example.com",))
    assert group_for(said, "alice@example.org").names_recipient


def test_the_dialogue_around_a_reply_tells_whom_it_was_about() -> None:
    """Exim's words name the recipient where the reply does not."""
    for told, is_recipient in (("left@example.net", False), ("alice@store.example.org", True)):
        words = f"SMTP error from remote mail server after RCPT TO:<{told}>: 550 no mailbox"
        assert is_about("alice@example.org", failed("alice@example.org", text=words)) is is_recipient


@pytest.mark.parametrize("actual", ["left@example.net", "left@mail.internal", "left", "|/usr/bin/list", "/var/mail/x"])
def test_an_actual_recipient_other_than_the_recipient_is_a_member(actual: str) -> None:
    """Sendmail writes it beside the alias: a mailbox, a local user, what the alias runs."""
    assert not is_about("team@example.org", failed("team@example.org", actual_recipient=actual))


@pytest.mark.parametrize("actual", ["alice@example.org", "alice@mail.internal", "Alice", "alice+x@store.example.org"])
def test_the_actual_recipient_may_be_the_same_user(actual: str) -> None:
    """Sendmail writes local users with the host's own name."""
    assert is_about("alice@example.org", failed("alice@example.org", actual_recipient=actual))


def test_a_namesake_elsewhere_is_a_member_where_an_alias_is_said_to_be_expanded() -> None:
    """A store of the recipient's own domain is none."""
    for actual, is_recipient in (
        ("info@holding.example", False),
        ("info@store.example.org", True),
        ("info@example.onmicrosoft.com", True),
        ("info@example.org.test-google-a.com", True),
        ("info", True),
        (None, False),
    ):
        group = failed("info@example.org", actual_recipient=actual, expanded_from="info@example.org")
        assert is_about("info@example.org", group) is is_recipient


def test_mail_that_went_to_several_places_went_to_members() -> None:
    """Even where they have the recipient's name, and all of them are dead."""
    stores = [failed("info@example.org", actual_recipient=f"info@{host}.example") for host in ("one", "two")]
    assert not is_about("info@example.org", *stores)
    assert is_about("info@example.org", stores[0])


@pytest.mark.parametrize(
    "member",
    [
        "o'hara@example.net",
        "left=x@example.net",
        "left/sales@example.net",
        '"left one"@example.net',
        "SRS0=ab=cd=example.net=left@example.org",
        '"|/usr/bin/vacation team"',
    ],
)
def test_a_member_with_any_local_part_is_another(member: str) -> None:
    """Local parts are not only letters, digits, dots and dashes.  (RFC 5322 section 3.2.3)"""
    assert not is_about("team@example.org", failed("team@example.org", actual_recipient=member))


def test_an_address_that_holds_the_recipients_own_is_the_recipient() -> None:
    """A gateway packs addresses into local parts."""
    for packed in (
        "SRS0=ab=cd=example.org=alice@relay.example.net",
        "alice%example.org@relay.example.net",
        "@mx.example.org",
    ):
        assert is_about("alice@example.org", failed("alice@example.org", actual_recipient=packed))


def test_different_reasons_for_one_recipient_are_those_of_members() -> None:
    """Nobody else has two groups that failed differently; a group that is only repeated says nothing new."""
    first, second = (failed("team@example.org", f"550 5.1.1 {why}") for why in ("User unknown", "No mailbox"))
    assert not is_about("team@example.org", first, second)
    assert is_about("team@example.org", first, first)


@pytest.mark.parametrize(
    "failed", [r"\320\277\320\276\321\207\321\202\320\260@mailbox.example", "почта@mailbox.example"]
)
def test_exim_prints_octets_beyond_ascii_in_octal(failed: str) -> None:
    """In its words and in X-Failed-Recipients, beside a Final-Recipient in UTF-8: it is the same address."""
    group = PerRecipientFields(
        final_recipient="почта@mailbox.example",
        actual_recipient=failed,
        action=Action.FAILED,
        status="5.0.0",
        diagnostic_code="550 5.1.1 no such user here",
        text=f"after RCPT TO:<{failed}>: 550 5.1.1 no such user here",
    )
    report = Report(Kind.BOUNCE, "rfc3464", recipients=(group,))
    assert group_for(report, "почта@mailbox.example").names_recipient
    assert not group_for(report, "другая@mailbox.example").names_recipient
