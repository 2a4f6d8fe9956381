"""The proof of hard as a grammar: sentences whose right class is known by how they were made.

A sentence says of a subject that something is wrong with it, perhaps as a guess; somebody says it at some stage of the
dialogue.  It is hard if, and only if, a server says it for good, of the recipient, without a guess, when the recipient
was named.
"""

from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bounced import rules
from bounced.core.meaning.classify import classify
from bounced.core.terms import Action, Class, Kind, PerRecipientFields, Report, Verdict

RULES = rules.load()
RECIPIENT, SENDER = "zoe@example.net", "news@sender.example"

RECIPIENTS = (
    "user",
    "mailbox",
    "account",
    "recipient",
    "recipient address",
    "email account",
    "local user",
    "user account",
    "recipient mailbox",
    "alias",
    "addressee",
)
OTHERS = (
    "sender",
    "sender address",
    "return path",
    "envelope sender",
    "sender's mailbox",
    "HELO name",
    "sending domain",
    "subject header",
    "Message-ID header",
    "Reply-To address",
    "From header",
    "attachment",
    "character set",
    "user database",
    "mailbox server",
    "account service",
    "encryption key",
    "certificate",
    "backend server",
    "configuration file",
    "address list",
    "next hop",
    "policy",
    "bounce address",
    "another recipient",
    "forwarding address",
    "smarthost",
)
STRANGERS = (
    "recipient count",
    "recipient order",
    "user input",
    "account manager",
    "mailbox format version",
    "address book entry",
    "user agent",
    "invoice",
    "printer",
    "shop",
    "time zone",
    "widget",
    "account balance",
)
"""Of what a reader has no idea: proof is a word that it knows, not the absence of others."""
BEHIND = (
    "does not exist",
    "is unknown",
    "not found",
    "could not be found",
    "can't be found",
    "doesn\u2019t exist",
    "is invalid",
    "is not valid",
    "unknown",
    "was not found",
    "does not exist here",
    "not known",
)
BEFORE = ("unknown {}", "no such {}", "invalid {}", "there is no such {}", "unknown or invalid {}", "can't find the {}")
GUESSES = ("the {} may not exist", "possibly the {} is unknown", "perhaps no such {}", "the {} might be invalid")
DENIALS = ("the {} is not unknown", "unless the {} is unknown", "that does not mean no such {}", "is the {} unknown?")
NO_CLAIMS = (
    "das {} existiert möglicherweise nicht: unknown user",
    "unknown user, or the mailbox may be full",
    "user unknown (temporarily)",
    "the header contains an unknown {}",
    "mail loop: unknown {}",
    "unknown {} or access denied",
    "unknown {} for external senders",
)
"""What no subject makes true: a guess in another language, several causes, what passes, another's fault."""
STAGES = {
    "RCPT": "(in reply to RCPT TO command)",
    "MAIL": "(in reply to MAIL FROM command)",
    "DATA": "(in reply to end of DATA command)",
    "unknown": "",
}


@dataclass(frozen=True)
class Said:
    """A sentence with all that decides over it."""

    sentence: str
    of_recipient: bool
    guess: bool
    speaker: str = "server"
    stage: str = "RCPT"
    code: str = "550"
    status: str = ""

    @property
    def proven(self) -> bool:
        """Whether it condemns the recipient, by the definition of a hard verdict."""
        sure = self.of_recipient and not self.guess and self.code.startswith("5")
        in_time = self.stage in ("RCPT", "unknown") or (self.stage == "DATA" and self.status == "5.1.1")
        return sure and self.speaker == "server" and in_time


@st.composite
def said(draw: st.DrawFn) -> Said:
    """Return a sentence of the grammar."""
    of_recipient, guess = draw(st.booleans()), draw(st.booleans())
    subject = draw(st.sampled_from(RECIPIENTS if of_recipient else (*OTHERS, *STRANGERS)))
    forms = (
        (*GUESSES, *DENIALS, *NO_CLAIMS)
        if guess
        else (*BEFORE, *(f"{article}{{}} {predicate}" for article in ("", "the ") for predicate in BEHIND))
    )
    return Said(
        sentence=draw(st.sampled_from(forms)).format(subject),
        of_recipient=of_recipient,
        guess=guess,
        speaker=draw(st.sampled_from(("server", "relay", "program"))),
        stage=draw(st.sampled_from(tuple(STAGES))),
        code=draw(st.sampled_from(("550", "553", "554", "450"))),
        status=draw(st.sampled_from(("", "5.0.0", "5.7.1", *(("5.1.1",) if subject not in STRANGERS else ())))),
    )


def verdict(said: Said) -> Verdict:
    """Return what is made of it in a delivery status notification."""
    status = said.status.replace("5.", f"{said.code[0]}.", 1)
    reply = f"{said.code} {status} {said.sentence}".replace("  ", " ")
    if said.speaker == "relay":
        reply = f"{reply} -> {said.code} refused by our policy"
    fields = PerRecipientFields(
        final_recipient=RECIPIENT,
        action=Action.FAILED,
        status=f"{said.code[0]}.0.0",
        diagnostic_code=said.sentence if said.speaker == "program" else reply,
        diagnostic_type="x-unix" if said.speaker == "program" else "smtp",
        text=STAGES[said.stage] or None,
    )
    report = Report(Kind.BOUNCE, "rfc3464", recipients=(fields,), sent_to=(SENDER,))
    return classify(fields, report, RULES)


@given(said())
@settings(max_examples=1500, deadline=None)
@example(Said("no such user", of_recipient=True, guess=False))
@example(Said("can't find the addressee", of_recipient=True, guess=False))
def test_hard_if_and_only_if_it_is_proven(said: Said) -> None:
    """In both directions: no good address is condemned, and no dead one is mailed for months."""
    found = verdict(said)
    assert (found.class_ is Class.HARD) == said.proven, found
