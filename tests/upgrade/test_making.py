"""The dump of a release can be made at any time: it is not found on the day of the release that it cannot."""

import json
import re
from pathlib import Path

from . import test_upgrade as upgrade
from .conftest import loaded
from .make_dump import DUMPS, make, versions


async def test_this_version_can_make_a_dump_of_itself(redis_url: str, key_prefix: str, tmp_path: Path):
    """It holds every kind of state, and reads as it was written."""
    made, beside = tmp_path / "made", tmp_path / "beside"
    for folder in (made, beside):
        folder.mkdir()
    await make(DUMPS / versions()[-1], made, redis_url, f"{key_prefix}-made")
    about = json.loads((made / "dump.jsonl").read_text().splitlines()[0])
    assert re.fullmatch(r"\d+(\.\d+)*", about["version"])  # of a commit before the release, too
    async with loaded(made, redis_url, key_prefix, beside) as upgraded:
        await upgrade.test_the_dump_holds_every_kind_of_state(upgraded)
        await upgrade.test_every_address_looks_up_as_before(upgraded)
