"""The example for KumoMTA is valid Lua and does what it says, as far as stand-ins for KumoMTA's modules can tell."""

import subprocess
from pathlib import Path

import pytest

from tests.support.programs import find

LUA = find("lua", "lua5.4")
EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "kumomta.lua"
pytestmark = pytest.mark.skipif(LUA is None, reason="Lua is not here: tests/install-programs")


def test_what_the_handlers_of_the_example_do():
    """A suppressed recipient alone is refused; while Redis is away all are taken; a hook that fails is tried again."""
    assert LUA is not None
    ended = subprocess.run(
        [LUA, str(Path(__file__).with_name("kumomta.lua")), str(EXAMPLE)], capture_output=True, text=True, check=True
    )
    refused = "550 5.7.1 recipient is on the suppression list"
    assert ended.stdout.splitlines() == [refused, "taken", refused, "taken", "taken", "400 bounced answered 503"]
