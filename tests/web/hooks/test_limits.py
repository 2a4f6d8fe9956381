"""What a hook answers where something is wrong: with the body, with who asks, with Redis."""

import asyncio
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bounced.config.web_checks import PUBLIC
from bounced.core.exchange.hooks.service import MAX_EVENTS
from bounced.web.hooks.proof import Asked, Proven
from tests.support.hooks import REFUSES, SAMPLES, Posted
from tests.web.conftest import Start

from .conftest import Heard, hearing

ALICE = "alice@example.org"
MIB = 1024 * 1024


def genuine(service: str = "postmark", number: int = 1) -> Posted:
    """Return a genuine request."""
    sample = SAMPLES[service]
    return sample.posted(sample.event(REFUSES[service], ALICE, number))


async def test_a_body_of_more_than_one_mib_gets_413(heard: Heard) -> None:
    """Whatever proves it; one octet less is read."""
    request = genuine()
    for length, status in ((MIB, 200), (MIB + 1, 413)):
        body = request.body + b" " * (length - len(request.body))
        assert (await heard.post("postmark", Posted(body, request.headers))).status_code == status


async def test_more_events_than_redis_may_write_at_once_get_413(heard: Heard) -> None:
    """Somebody who has the secret puts half a million into a MiB; nothing of them is written."""
    for number, status in ((MAX_EVENTS, 200), (MAX_EVENTS + 1, 413)):
        body = json.dumps([{"RecordType": "Bounce", "Type": "Inactive"}] * number, separators=(",", ":")).encode()
        answer = await heard.post("postmark", Posted(body, genuine().headers))
        assert answer.status_code == status
    assert await heard.waiting() == 0


async def test_a_compressed_body_is_refused_and_comes_again(heard: Heard) -> None:
    """Taken for one that nobody understands, all of its events would be lost."""
    request = genuine()
    packed = Posted(gzip.compress(request.body), {**request.headers, "content-encoding": "gzip"})
    answer = await heard.post("postmark", packed)
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:bounced:problem:no-such-encoding")
    plain = Posted(request.body, {**request.headers, "content-encoding": "identity"})
    assert (await heard.post("postmark", plain)).json()["taken"] == 1


async def test_whoever_proves_nothing_waits_after_a_hundred_times(heard: Heard) -> None:
    """A proven request never waits, also from the same address: services post for all their customers from few."""
    for number in range(150):
        assert (await heard.post("postmark", genuine(number=number))).status_code == 200
    bad = Posted(genuine().body, {})
    told = [(await heard.post("postmark", bad)).status_code]
    while told[-1] == 401:
        told.append((await heard.post("postmark", bad)).status_code)
    assert told[-1] == 429
    assert len(told) > 100
    assert (await heard.post("postmark", genuine())).status_code == 200


async def test_a_list_that_a_reload_takes_away_meanwhile_hears_nothing(heard: Heard) -> None:
    """The request was proven for it, and is answered as the next one will be."""
    desk = next(part.desk for part in heard.site.serving._parts if part.desk.name == PUBLIC)
    hook = desk.present.hooks["postmark", "main"]

    class Reloaded:
        """The proof, in the middle of which the list goes."""

        async def check(self, asked: Asked) -> Proven:
            proven = await hook.proof.check(asked)
            desk.present = replace(desk.present, lists={})
            return proven

    desk.present = replace(desk.present, hooks={("postmark", "main"): replace(hook, proof=Reloaded())})
    assert (await heard.post("postmark", genuine())).status_code == 401
    assert await heard.waiting() == 0


async def test_another_service_is_not_there(heard: Heard) -> None:
    """And a hook is posted to."""
    assert (await heard.post("pigeon", genuine())).status_code == 404
    answer = await heard.site.public.get("/hooks/postmark/main")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await heard.site.private.post("/hooks/postmark/main")).status_code == 404


async def test_no_secret_and_no_address_stands_in_the_log(heard: Heard) -> None:
    """Of a request that is taken, one that is refused, and one that is not understood."""
    bad = Posted(genuine().body, {"authorization": "Bearer another secret of somebody"})
    with capture_logs() as logs:
        for request in (genuine(), bad):
            await heard.post("postmark", request)
        await heard.post("mailgun", genuine("mailgun"), "main/a-secret-in-the-path")
    text = json.dumps(logs, default=str)
    assert [log["event"] for log in logs].count("hook.refused") == 2
    for secret in (ALICE, SAMPLES["postmark"].secret, "another secret", "a-secret-in-the-path", "Basic", "aG9va3M6"):
        assert secret not in text


async def test_redis_that_is_away_is_503(start: Start, tmp_path: Path) -> None:
    """The service sends the same again; nothing was taken."""
    async with hearing(start, tmp_path) as heard:
        for part in heard.site.serving._parts:
            await part.desk.store.close()
        for service in SAMPLES:
            answer = await heard.post(service, genuine(service))
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0


async def test_a_large_batch_does_not_stop_others(heard: Heard) -> None:
    """It is read in a thread."""
    sample = SAMPLES["kumomta"]
    batch = sample.posted(*(sample.event("Bounce", f"user{number}@example.org", number) for number in range(1500)))
    told = await asyncio.gather(heard.post("kumomta", batch), *(heard.post("postmark", genuine()) for _ in range(20)))
    assert {answer.status_code for answer in told} == {200}


@pytest.mark.parametrize("path", ["/hooks/postmark/main%2F", "/hooks/postmark/%ff", "/hooks/%00/main", "/hooks//"])
async def test_odd_paths_are_refused(heard: Heard, path: str) -> None:
    """None of them is a fault of ours."""
    answer = await heard.site.public.post(path, content=b"{}")
    assert answer.status_code in (401, 404)


async def test_header_fields_of_odd_octets_prove_nothing(heard: Heard) -> None:
    """They are no text of anybody."""
    reader, writer = await asyncio.open_connection("127.0.0.1", heard.site.ports["public"])
    writer.write(
        b"POST /hooks/generic/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n"
        b"webhook-id: \xff\r\nwebhook-timestamp: \xfe\r\nwebhook-signature: v1,\xfd\r\n\r\n{}"
    )
    assert b" 401 " in await reader.readline()
    writer.close()
