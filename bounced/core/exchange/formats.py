"""Which service wrote a file, told by its column names, and what its columns mean."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bounced.core.terms import Category

Fields = Mapping[str, str]
"""One row of a file: column names in lower case, values without surrounding space."""

Reading = Category | str
"""What a row says: a category, or an SMTP reply that has to be classified."""


class Unrecognised(ValueError):  # noqa: N818 - says what is so; the message names what would be understood
    """Columns that no format has."""


@dataclass(frozen=True, slots=True)
class Format:
    """One export format: the columns that tell it from others, and which of them hold what.

    ``meaning`` reads a row; where it is None the operator has to say what the list is (``--category``).
    """

    name: str
    columns: frozenset[str]
    address: str
    meaning: Callable[[Fields], Reading] | None
    at: str = ""


def _always(category: Category) -> Callable[[Fields], Reading]:
    return lambda _fields: category


def _word(column: str, words: Mapping[str, Category]) -> Callable[[Fields], Reading]:
    """Read a column of fixed words, in any letter case.  A word that is not known raises KeyError."""
    return lambda fields: words[fields[column].replace("_", "").lower()]


def _reply(*columns: str) -> Callable[[Fields], Reading]:
    return lambda fields: " ".join(filter(None, (fields.get(column, "") for column in columns)))


_SES = {"bounce": Category.MAILBOX_UNKNOWN, "complaint": Category.COMPLAINT}
_POSTMARK = {
    "hardbounce": Category.MAILBOX_UNKNOWN,
    "spamcomplaint": Category.COMPLAINT,
    "manualsuppression": Category.UNSUBSCRIBED,
}

OWN = "bounced"
"""Our own format: the fields of the state hash."""

FORMATS = (
    Format(
        OWN,
        frozenset({"address", "state", "category", "since"}),
        "address",
        lambda fields: Category(fields["category"]),
        "since",
    ),
    Format(
        "ses",
        frozenset({"emailaddress", "reason", "lastupdatetime"}),
        "emailaddress",
        _word("reason", _SES),
        "lastupdatetime",
    ),
    Format(
        "postmark",
        frozenset({"emailaddress", "suppressionreason", "createdat"}),
        "emailaddress",
        _word("suppressionreason", _POSTMARK),
        "createdat",
    ),
    Format(
        "mailgun-bounces",
        frozenset({"address", "code", "error", "created_at"}),
        "address",
        _reply("code", "error"),
        "created_at",
    ),
    Format(
        "mailgun-unsubscribes",
        frozenset({"address", "tags", "created_at"}),
        "address",
        _always(Category.UNSUBSCRIBED),
        "created_at",
    ),
    Format("mailgun", frozenset({"address", "created_at"}), "address", None, "created_at"),
    Format(
        "sendgrid-bounces", frozenset({"email", "reason", "status", "created"}), "email", _reply("reason"), "created"
    ),
    Format("sendgrid-invalid", frozenset({"email", "reason", "created"}), "email", _reply("reason"), "created"),
    Format(
        "sendgrid-spam-reports",
        frozenset({"email", "ip", "created"}),
        "email",
        _always(Category.COMPLAINT),
        "created",
    ),
    Format("sendgrid", frozenset({"email", "created"}), "email", None, "created"),
    Format(
        "mailchimp-cleaned",
        frozenset({"email address", "clean_time"}),
        "email address",
        _always(Category.MAILBOX_UNKNOWN),
        "clean_time",
    ),
    Format(
        "mailchimp-unsubscribed",
        frozenset({"email address", "unsub_time"}),
        "email address",
        _always(Category.UNSUBSCRIBED),
        "unsub_time",
    ),
    Format("addresses", frozenset({"address"}), "address", None),
    Format("addresses", frozenset({"email"}), "email", None),
    Format("addresses", frozenset({"email address"}), "email address", None),
)
"""The formats there are; the first whose columns a file has is taken."""


def detect(columns: Iterable[str]) -> Format:
    """Return the format of a file with these columns.  Raises Unrecognised."""
    names = {column.strip().lower() for column in columns}
    for format_ in FORMATS:
        if format_.columns <= names:
            return format_
    known = "; ".join(f"{each.name}: {', '.join(sorted(each.columns))}" for each in FORMATS)
    raise Unrecognised(f"nobody's columns: {', '.join(sorted(names)) or 'none'}. Known are {known}")
