"""What it means that a provider refused the sender, by the category, and what to do about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from bounced.core.terms import Category


class Meaning(NamedTuple):
    """What a refusal says about the sender, and what an operator does."""

    means: str
    to_do: str


MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        Category.REPUTATION_BLOCK: Meaning(
            "The provider does not trust the sending address or domain, often because of complaints, spam traps or a "
            "block list.",
            "Pause mail to this provider. Follow the link in its words, find the mailing that caused it, ask for "
            "removal, and go on slowly with the recipients who read your mail.",
        ),
        Category.RATE_LIMITED: Meaning(
            "The provider limits how much this sender may send now. It takes more later.",
            "Send to this provider more slowly and with fewer connections. If it goes on for a day, look at "
            "complaints and at the sender's reputation there.",
        ),
        Category.SPAM_CONTENT: Meaning(
            "The provider takes the message for spam.",
            "Look at the campaigns whose mail it was: the links, the subject, and to whom it went. Pause them until "
            "that is clear.",
        ),
        Category.AUTH_FAILURE: Meaning(
            "The message failed SPF, DKIM or DMARC.",
            "Check the DNS records of the From domain, the signature, and whether the sending address is in SPF. Send "
            "nothing more to this provider until they are right.",
        ),
        Category.TLS_FAILURE: Meaning(
            "The provider asks for an encrypted connection, and it did not come about.",
            "Let the MTA use STARTTLS with this provider, and check its certificates and TLS versions.",
        ),
        Category.POLICY: Meaning(
            "A rule of the provider forbids the message; its words say which.",
            "Read the words and follow their link. Common reasons are a missing reverse DNS name and a wrong HELO "
            "name.",
        ),
        Category.SENDER_REJECTED: Meaning(
            "The provider refuses the address of the sender, in the envelope or in From.",
            "Check that the domain of the return path has an MX or address record and takes mail, and that nobody put "
            "it on a block list.",
        ),
        Category.VIRUS: Meaning(
            "The provider found what it takes for malware.",
            "Pause the campaign. Check its attachments and every link in it; a site that was broken into is a common "
            "reason.",
        ),
        Category.CONTENT_REJECTED: Meaning(
            "The provider refuses something in the message: an attachment, a link, a header field.",
            "Read the words, change the message, and send it to a test address at this provider first.",
        ),
        Category.MESSAGE_TOO_BIG: Meaning(
            "The message is larger than the provider takes.",
            "Make it smaller: link to files and pictures instead of sending them.",
        ),
        Category.PROTOCOL_ERROR: Meaning(
            "The provider did not understand what the MTA sent.",
            "Look at the MTA's log for this provider: line ends, long lines, characters outside ASCII.",
        ),
    }
)
"""By the category of the refusal: every one for which a sender is refused."""

UNKNOWN = Meaning(
    "The sender was refused; this version has no words for the reason.", "Read what the provider said, and follow it."
)


def meaning_of(category: str) -> Meaning:
    """Return what a refusal of this category means."""
    return MEANINGS.get(category, UNKNOWN)
