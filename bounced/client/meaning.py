"""What a bare SMTP reply means, for software that hears it itself: asked here, of no server."""

from collections.abc import Iterable

from bounced.core.meaning.bare import Known
from bounced.core.terms import Verdict

NEEDS = "{} is not installed: classify needs the extra `classify`, pip install 'bounced-mx[classify]'"


def classify(
    reply: str, *, about: str = "", sender: str | Iterable[str] = (), server: str = "", stage: str = ""
) -> Verdict:
    """Return what a bare SMTP reply means by the packaged rules.

    ``reply`` is the whole of it ("550 5.1.1 no such user").  What else is known makes the answer better: ``about`` is
    the recipient, ``sender`` a domain or an address of your own, or several, ``server`` the name of the server that
    replied, ``stage`` the command that it replied to: "ehlo", "mail", "rcpt", or "data" for the end of the message.

    No reply raises anything.  Raises BadAddress for a recipient or a sender that is none, ValueError for a bad server
    or stage, ModuleNotFoundError where the packages of the extra ``classify`` are missing.  The first call reads the
    rules, which takes about half a second.
    """
    known = Known.of(about, (sender,) if isinstance(sender, str) and sender else sender, server, stage)
    try:
        from bounced import rules  # noqa: PLC0415 - what it needs is an extra
        from bounced.core.meaning.classify import classify_reply  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(NEEDS.format(error.name), name=error.name) from error
    return classify_reply(reply, rules.packaged(), known)
