"""What stands in the bodies of the API, asked and answered; the OpenAPI document is made of these declarations.

Answers are plain dictionaries for speed; tests check each one against its declaration here.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from bounced.core.contract.intake import MAX_ID_CHARACTERS
from bounced.core.limits import MAX_REPLY_CHARS
from bounced.core.return_path.directory import MAX_FORWARD_PATH_CHARACTERS
from bounced.core.terms import Category, Class, State
from bounced.web.api.values import AddressText, Answered, Asked, Moment, ProfileText, Short, Stage, Word

MAX_CHECKED = 10_000
MAX_ENTRIES = 1_000
MAX_REPLIES = 200
MAX_REASON_CHARS = 200
DEFAULT_PAGE, MAX_PAGE = 100, 1_000


class CheckRequest(Asked):
    """Addresses of which somebody wants to know whether they may be mailed."""

    addresses: list[str] = Field(max_length=MAX_CHECKED, description=f"At most {MAX_CHECKED} addresses.")
    why: StrictBool = Field(False, description="Whether to say why, which needs the right read, too.")


class Invalid(Answered):
    """Something that is no mail address."""

    address: str
    detail: str


class Standing(Answered):
    """Why an address must not be mailed now."""

    address: str
    state: str
    category: str = ""
    class_: str = Field("", alias="class")
    since: str = ""
    until: str = ""


class CheckAnswer(Answered):
    """Which of the addresses, as given, must not be mailed now.  What is no address is not among them."""

    checked: int
    suppressed: list[str]
    invalid: list[Invalid]
    why: list[Standing] | None = Field(None, description="If asked: one for each of `suppressed`, in the same order.")


class LookupRequest(Asked):
    """The address that is asked about."""

    address: AddressText


class PastEvent(BaseModel):
    """An event of an address; its members are those of the contract's events, each of them text."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    type: str = ""
    at: str = ""


class AddressAnswer(BaseModel):
    """What a list knows of an address: what `bounced lookup --json` prints.  Further members are those of the state."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    list_: str = Field(alias="list")
    address: str
    state: str = Field(description=f"One of {', '.join(State)}; `active` where nothing is known.")
    history: list[PastEvent] = Field(description="Its last events, the oldest first.")


class DecisionRequest(Asked):
    """What somebody decides about an address, and why."""

    address: AddressText
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON_CHARS)]


class DecisionAnswer(Answered):
    """What a decision came to."""

    address: str
    before: str
    after: str
    reason: str = Field(description="A word for why the state is what it is now.")
    changed: bool
    event_id: str


class SuppressedQuery(Asked):
    """Which part of the list is asked for."""

    since: Moment | None = Field(None, description="Only those on the list since then or later, RFC 3339 with a zone.")
    category: Category | None = None
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,20}$")] | None = Field(None, description="`next` of the last page.")
    limit: int = Field(DEFAULT_PAGE, ge=1, le=MAX_PAGE, description="About how many addresses are looked at.")


class SuppressedRow(Answered):
    """One address of the list, with the columns of `bounced export`."""

    address: str
    state: str
    category: str
    class_: str = Field(alias="class")
    since: str
    until: str
    status: str
    diagnostic: str
    reporting_mta: str
    campaign: str
    origin: str
    actor: str


class SuppressedAnswer(Answered):
    """A page of the list, which may be empty; `next` is null behind the last one."""

    addresses: list[SuppressedRow]
    next: str | None


class Entry(Asked):
    """One thing that a sender knows.  (docs/contract.md, section 2)"""

    type: Literal[
        "delivered",
        "engaged",
        "rejected",
        "subscribed",
        "complained",
        "unsubscribed",
        "sent",
        "suppress",
        "release",
    ]
    at: Moment | None = Field(None, description="When it happened; without it, now.")
    id: Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS)] | None = Field(
        None, description="The id of the event where it happened: the same id counts once within 40 days."
    )
    address: AddressText | None = None
    reply: Annotated[str, Field(max_length=MAX_REPLY_CHARS)] | None = None
    campaign: Short | None = None
    count: int | None = Field(None, ge=1, le=1_000_000_000)
    domain: Short | None = None
    mta: Short | None = None
    stage: Stage | None = None
    profile: ProfileText | None = None
    reason: Annotated[str, Field(max_length=MAX_REASON_CHARS)] | None = None
    shared: StrictBool | None = None
    category: Word | None = Field(None, description="What somebody calls the failure; used if no reply says more.")
    action: Literal["failed", "delayed"] | None = Field(
        None, description="Whether the message was given up or is tried again; without it the reply decides."
    )
    sent_at: Moment | None = Field(None, description="When the message was sent; without it, the day of at.")
    return_path: Annotated[str, Field(max_length=MAX_FORWARD_PATH_CHARACTERS)] | None = Field(
        None, description="The return path of the message. It names the recipient, so address may be left out."
    )


class ReportRequest(Asked):
    """What a sender knows, several things at once."""

    entries: list[Entry] = Field(min_length=1, max_length=MAX_ENTRIES)


class ReportAnswer(Answered):
    """The ids of the entries in the list's intake, in the order in which they were given."""

    ids: list[str]


class ReturnPathRequest(Asked):
    """The message that a return path is wanted for."""

    address: AddressText
    tag: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,8}$")] = ""
    message_id: Annotated[str, Field(max_length=200)] = ""
    profile: ProfileText = Field("unknown unknown", description="Opt-in and engagement: `confirmed active`.")


class ReturnPathAnswer(Answered):
    """The envelope sender of one message, and header fields for it.  Ask anew for each message."""

    return_path: str
    headers: dict[str, str]


class Reply(Asked):
    """A bare SMTP reply, and what is known of it beside its words."""

    reply: Annotated[str, Field(min_length=1, max_length=MAX_REPLY_CHARS)]
    about: AddressText | None = None
    sender: list[Short] = Field(default=[], max_length=10)
    server: Short | None = None
    stage: Stage | None = None


class ClassifyRequest(Asked):
    """Bare SMTP replies."""

    replies: list[Reply] = Field(min_length=1, max_length=MAX_REPLIES)


class SparkPostName(Answered):
    """A bounce class of SparkPost."""

    code: int
    name: str


class SesName(Answered):
    """How Amazon SES writes the reason of a bounce."""

    bounce_type: str = Field(alias="bounceType")
    bounce_sub_type: str = Field(alias="bounceSubType")


class Names(Answered):
    """The nearest names of other systems; null where a system has none."""

    powermta: str | None
    kumomta: str | None
    sparkpost: SparkPostName | None
    ses: SesName | None
    sendgrid: str | None


class Meaning(BaseModel):
    """A verdict, and the statements behind it."""

    model_config = ConfigDict(extra="allow")

    category: str = Field(description=f"One of {', '.join(Category)}; later versions may know more.")
    class_: str = Field(alias="class", description=f"One of {', '.join(Class)}.")
    rule: str
    proof: str | None
    doubt: str | None
    status: str | None
    reply_code: str | None
    names: Names
    statements: list[dict[str, Any]]


class ReplyMeaning(Meaning):
    """What a bare reply means."""

    reply: str


class ClassifyAnswer(Answered):
    """What the replies mean, in the order in which they were given."""

    replies: list[ReplyMeaning]


class RecipientMeaning(Meaning):
    """What a report means for one recipient."""

    address: str | None
    original_recipient: str | None
    final_recipient: str | None
    action: str | None
    remote_mta: str | None
    diagnostic: str


class ExplainAnswer(Answered):
    """What a message is and means: what `bounced explain --json` prints, without the file."""

    kind: str
    reporting_mta: str | None
    recipients: list[RecipientMeaning]


class EventsQuery(Asked):
    """Which events are asked for."""

    after: Annotated[str, Field(pattern=r"^(end|[0-9]{1,20}-[0-9]{1,20}\.[0-9]{1,20}-[0-9]{1,20})$")] | None = Field(
        None, description="`next` of the last answer; `end` for what happens from now on; without it, the oldest kept."
    )
    type: Word | None = Field(None, description="Only events of this type.")


class EventRecord(BaseModel):
    """An event; its members are those of the contract's events, each of them text."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    stream_id: str


class EventsAnswer(Answered):
    """Events in their order, at most some hundred; where to go on is `next`, which is always there."""

    events: list[EventRecord]
    next: str
    trimmed: bool = Field(description="Whether events between `after` and these may be gone, because no more are kept.")


class ProblemAnswer(Answered):
    """What is wrong.  (RFC 9457)"""

    type: str = Field(description="urn:bounced:problem:WORD. Programs compare it; the words stay the same.")
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = Field(None, description="Each mistake of a body, with its place.")
