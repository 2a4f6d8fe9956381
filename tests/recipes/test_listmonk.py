"""What listmonk is sent is what it documents, and what the recipe says.

The schema has the fields of "Bounce processing, Webhook API" in listmonk's documentation, November 2026; ``complaint``
is the third type by its maintainer's word.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bounced.core.terms import CLASS_OF, Category, Class, State

bodies = pytest.importorskip("bounced.deliver.bodies")
streams = pytest.importorskip("bounced.edges.redis.event_streams")
hooks = pytest.importorskip("bounced.config.hooks")

PAGE = (Path(__file__).parents[2] / "docs/recipes/listmonk.md").read_text("utf-8")
TEXT = {"type": "string", "minLength": 1}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
BOUNCE = {
    "type": "object",
    "required": ["source", "type"],
    "anyOf": [{"required": ["email"]}, {"required": ["subscriber_uuid"]}],
    "properties": {
        "subscriber_uuid": UUID,
        "email": TEXT,
        "campaign_uuid": UUID,
        "source": TEXT,
        "type": {"enum": ["hard", "soft", "complaint"]},
        "meta": {"type": "string", "contentMediaType": "application/json"},
    },
    "additionalProperties": False,
}
EXAMPLE = {
    "type": "transition",
    "at": "2026-11-01T12:00:00Z",
    "address": "alice@example.org",
    "before": "active",
    "after": "suppressed",
    "category": "mailbox_unknown",
    "class": "hard",
    "campaign": "9f86b50d-5711-41c8-ab03-bc91c43d711b",
    "status": "5.1.1",
    "diagnostic": "550 5.1.1 no such user",
    "reporting_mta": "mx.example.org",
}


def block(language: str) -> list[str]:
    """Return the page's blocks of code in a language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)


def body(**changed: str) -> dict[str, Any] | None:
    """Return what listmonk is sent of an event."""
    made = bodies.listmonk_body("main", streams.StreamEvent("1-0", {**EXAMPLE, **changed}))
    return None if made is None else json.loads(made)


def test_the_example_of_the_page_is_what_is_sent() -> None:
    """To the last member."""
    assert json.loads(block("json")[-1]) == body()


@pytest.mark.parametrize("after", State)
@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("campaign", ["", "November", "9F86B50D-5711-41C8-AB03-BC91C43D711B"])
def test_each_body_has_the_fields_that_listmonk_documents(category, after, campaign) -> None:
    """Whatever happened, with each kind of campaign's name."""
    sent = body(category=category, after=after, campaign=campaign, **{"class": CLASS_OF[category]})
    if sent is not None:
        Draft202012Validator(BOUNCE).validate(sent)
        assert json.loads(sent["meta"])["category"] == category


@pytest.mark.parametrize(
    ("after", "class_", "type_"),
    [
        (State.SUPPRESSED, Class.HARD, "hard"),
        (State.SUPPRESSED, Class.COMPLAINT, "complaint"),
        (State.SUPPRESSED, Class.SOFT, "soft"),
        (State.HELD, Class.SOFT, "soft"),
        (State.HELD, Class.HARD, "soft"),
        (State.SUPPRESSED, Class.NONE, None),
        (State.ACTIVE, Class.HARD, None),
        (State.BOUNCING, Class.HARD, None),
    ],
)
def test_what_the_page_says_is_sent_of_each(after, class_, type_) -> None:
    """Only what listmonk may block for good is called hard."""
    sent = body(after=after, **{"class": class_})
    assert (sent and sent["type"]) == type_


def test_the_configuration_of_the_page_is_one() -> None:
    """Each key is known, and says what the page says."""
    (text,) = block("toml")
    (hook,) = (hooks.Hook.model_validate(each) for each in tomllib.loads(text)["hooks"])
    assert (hook.body, hook.authorization, hook.lists) == ("listmonk", "basic", ("main",))
