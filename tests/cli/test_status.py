"""What ``bounced status`` says of facts that no healthy daemon shows."""

import json
from datetime import UTC, datetime, timedelta
from socket import gethostname

from redis import Redis

from bounced.cli.ending import ExitCode
from bounced.cli.status import _certificate, _code
from bounced.config import Config
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import stamp
from bounced.edges.judge.look import Look
from bounced.edges.redis.script import INTAKE_GROUP
from bounced.edges.watch.daemon import Told
from bounced.edges.watch.taken_in import Status

from .conftest import Call

AT = datetime(2001, 1, 1, 10, tzinfo=UTC)


def test_an_expired_certificate_is_never_called_good() -> None:
    """Its end may have come since the daemon loaded it."""
    assert _certificate(stamp(AT - timedelta(days=2)), Config(), AT).startswith("expired at 2000-12-30 10:00")
    assert _certificate(stamp(AT + timedelta(days=2)), Config(), AT) == "good until 2001-01-03 10:00, 2 days left"


def test_lists_that_cannot_be_read_are_a_fault() -> None:
    """Else nothing would be shown of them, as if there were none."""
    ready = Told({"workers": {"ready": 1}}, ())
    assert _code(Status(ready, Look((), answers=True), (), (), AT)) is ExitCode.DONE
    found = Status(ready, Look((), answers=True), (), (), AT, "no answer within 2 s")
    assert (found.faults, _code(found)) == (["the lists cannot be read: no answer within 2 s"], ExitCode.NO)


def test_workers_of_a_daemon_that_is_gone_are_not_counted(call: Call, redis_url: str, key_prefix: str) -> None:
    """They read the intake a moment ago; those of another host may well go on."""
    keys = Keyspace(key_prefix, "main")
    with Redis.from_url(redis_url) as server:
        server.xgroup_create(keys.intake, INTAKE_GROUP, mkstream=True)
        server.xgroup_createconsumer(keys.intake, INTAKE_GROUP, f"{gethostname()}-123-0a1b2c3d")
        assert json.loads(call("status", "--json").stdout)["hosts"] == {}
        server.xgroup_createconsumer(keys.intake, INTAKE_GROUP, "mx2.example.com-123-0a1b2c3d")
        assert json.loads(call("status", "--json").stdout)["hosts"] == {"mx2.example.com": 1}
