"""What members of bodies and queries may hold: times, addresses, words; and what all bodies have in common."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from bounced.core.mailbox import MAX_ADDRESS_BYTES, MAX_DOMAIN_BYTES
from bounced.core.meaning.bare import Command
from bounced.core.terms import Engagement, OptIn, Profile

# date-time = full-date "T" full-time.  (RFC 3339 section 5.6)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _date_time(value: object) -> object:
    """Refuse what pydantic would take too: a number, of which nobody knows whether it is in seconds."""
    if value is None or (isinstance(value, str) and _DATE_TIME.fullmatch(value)):
        return value
    raise PydanticCustomError("date_time", "Input should be a time of RFC 3339, such as 2026-05-01T12:00:00Z")


AddressText = Annotated[
    str,
    Field(
        min_length=3,
        max_length=MAX_ADDRESS_BYTES,
        examples=["alice@example.org"],
        json_schema_extra={"pattern": "@"},  # told only: what is wrong with an address is said in better words
    ),
]
Short = Annotated[str, Field(max_length=MAX_DOMAIN_BYTES)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Moment = Annotated[AwareDatetime, BeforeValidator(_date_time)]
Stage = Annotated[Word, Field(json_schema_extra={"enum": [*map(str, Command), *(each.upper() for each in Command)]})]
ProfileText = Annotated[
    Word, Field(json_schema_extra={"enum": [str(Profile(opt_in, shown)) for opt_in in OptIn for shown in Engagement]})
]


class Asked(BaseModel):
    """A body or a query; a member that is not declared is refused, so that a typing mistake is found."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answered(BaseModel):
    """An answer; later versions may add members."""

    model_config = ConfigDict(extra="allow")
