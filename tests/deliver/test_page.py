"""The examples of docs/webhooks.md verify what we send, and refuse what we did not."""

import asyncio
import json
import re
import shutil
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from bounced.core.standard_webhooks import secret_of, signatures

PAGE = Path(__file__).parents[2] / "docs/webhooks.md"
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE))
SECRET, OTHER = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
BODY = b'{"a":"\xc3\xa4"}'
FRAME = """
import { verified } from "./page.mjs";
const cases = JSON.parse(process.argv[2]);
console.log(JSON.stringify(cases.map(({ secret, headers, body }) => verified(secret, headers, Buffer.from(body)))));
"""


def request(body: bytes = BODY, at: int | None = None, *secrets: str) -> dict[str, Any]:
    """Return a request as we send it, and what the receiver knows."""
    at = int(time.time()) if at is None else at
    signed = signatures(map(secret_of, secrets or (SECRET,)), "main_events_1-0", at, BODY)
    headers = {"webhook-id": "main_events_1-0", "webhook-timestamp": str(at), "webhook-signature": signed}
    return {"secret": SECRET, "headers": headers, "body": body.decode()}


STRANGE: list[dict[str, str]] = [
    {"webhook-signature": "v1,\xe4"},
    {"webhook-signature": ""},
    {"webhook-timestamp": "\xb2"},
    {"webhook-timestamp": "1" * 5000},
    {"webhook-timestamp": "-1"},
]
CASES = [
    (request(), True),
    (request(BODY, None, OTHER, SECRET), True),  # while a secret is replaced
    (request(BODY, None, OTHER), False),
    (request(BODY + b" "), False),
    (request(BODY, int(time.time()) - 3600), False),
]
CASES += [(request() | {"headers": request()["headers"] | strange}, False) for strange in STRANGE]
CASES += [({**request(), "headers": {}}, False)]
VERDICTS = [verdict for _, verdict in CASES]


def test_the_example_in_python_verifies_what_we_send() -> None:
    """With either secret; another body, another secret and an old time are refused."""
    page: dict[str, Any] = {}
    exec(BLOCKS["python"], page)  # noqa: S102 - the page is ours
    told = [page["verified"](case["secret"], case["headers"], case["body"].encode()) for case, _ in CASES]
    assert told == VERDICTS


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not here")
async def test_the_example_for_node_verifies_what_we_send(tmp_path: Path) -> None:
    """Without a package."""
    (tmp_path / "page.mjs").write_text(BLOCKS["js"], "utf-8")
    (tmp_path / "main.mjs").write_text(FRAME, "utf-8")
    told = json.dumps([case for case, _ in CASES])
    node = await asyncio.create_subprocess_exec("node", "main.mjs", told, cwd=tmp_path, stdout=PIPE)
    output, _ = await node.communicate()
    assert json.loads(output) == VERDICTS
