"""What could keep the daemon from its work, as `bounced doctor` examines it, as far as it can be seen from here."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from bounced.config import Config, build
from bounced.doctor.daemon import examine_daemon
from bounced.doctor.dns import examine_dns, resolver
from bounced.doctor.ports import examine_host_name, examine_ports
from bounced.edges.judge.certificate import SUBJECT, examine_certificate
from bounced.edges.judge.finding import Finding, Outcome, error, ok, skipped
from bounced.edges.redis.status import list_statuses
from bounced.edges.watch.taken_in import START_IT
from bounced.ports import StoreUnavailable
from bounced.web.pages.layout import Visit, page, rendered
from bounced.web.pages.overview import daemon_told, finding_of

LOOK_S = 10.0
"""How long one request examines."""
ORDER = (Outcome.ERROR, Outcome.WARNING, Outcome.SKIPPED, Outcome.OK)
COLOURS = {Outcome.ERROR: "bad", Outcome.WARNING: "doubt", Outcome.SKIPPED: "quiet", Outcome.OK: "good"}


@dataclass(slots=True)
class Examined:
    """What was found.  ``in_time`` is false where not everything could be examined."""

    found: list[Finding] = field(default_factory=list)
    in_time: bool = False

    @property
    def by_outcome(self) -> Sequence[Finding]:
        """What was found, the worst first."""
        return sorted(self.found, key=lambda each: ORDER.index(each.outcome))

    def count(self, outcome: str) -> int:
        """Return how many things are so."""
        return sum(each.outcome == outcome for each in self.found)


@page()
async def health(visit: Visit) -> Response:
    """Show the page; what is found comes into it a moment later, or with it where the URL says ``look``."""
    looks = bool(visit.request.query_params.get("look"))
    examined = await _examine(visit) if looks else None
    return rendered(visit, "health.html", here="health", examined=examined, colours=COLOURS)


@page()
async def findings(visit: Visit) -> Response:
    """Show what is found: the part that takes a while."""
    return rendered(visit, "health_findings.html", examined=await _examine(visit), colours=COLOURS)


async def _examine(visit: Visit) -> Examined:
    examined, config = Examined(), visit.desk.present.config
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            examined.found += _configured(config)
            examined.found += await asyncio.to_thread(_certificate, visit)
            examined.found += await _daemon(visit)
            examined.found += [await _redis(visit)]
            async with asyncio.TaskGroup() as both:
                both.create_task(_ports(config, examined))
                both.create_task(_dns(config, examined))
            examined.in_time = True
    return examined


def _configured(config: Config) -> Iterator[Finding]:
    keys = sum(len(list_.keys) for list_ in config.lists.values())
    yield ok("configuration", f"as it is loaded here: lists: {len(config.lists)}, keys: {keys}")
    yield from examine_host_name(config)


def _certificate(visit: Visit) -> list[Finding]:
    found = list(examine_certificate(visit.desk.present.config.smtp, visit.desk.clock()))
    return found or [skipped(SUBJECT, "this service's user cannot read it", "bounced doctor, as the daemon's user")]


async def _daemon(visit: Visit) -> list[Finding]:
    """Return what the daemon of this host found of itself and of Redis."""
    told = await daemon_told(visit)
    if told.record is None:
        return [skipped("daemon", f"none of this host answers: {'; '.join(told.tried)}", START_IT)]
    try:
        return [*_of_daemon(told.record), *(finding_of(each) for each in told.record.get("findings", ()))]
    except (KeyError, TypeError, ValueError, AttributeError):
        return [skipped("daemon", "it answers, but not as this version does")]


def _of_daemon(record: Mapping[str, Any]) -> Iterator[Finding]:
    workers = record["workers"]
    text = f"workers ready: {workers['ready']} of {workers['wanted']}, version {record['version']}"
    yield ok("daemon", text) if workers["ready"] else error("daemon", text, START_IT)
    yield from examine_daemon(record)


async def _redis(visit: Visit) -> Finding:
    desk = visit.desk
    keys = {name: each.keys for name, each in desk.present.lists.items()}
    subject = "Redis, from here"
    try:
        _, hosts = await list_statuses(desk.store, keys, build.webhooks_of(desk.present.config), desk.clock())
    except StoreUnavailable as unavailable:
        return error(subject, f"does not answer: {unavailable}", "bounced doctor, on the server, says why")
    return ok(subject, f"answers; hosts whose workers read the intake: {len(hosts)}")


async def _ports(config: Config, examined: Examined) -> None:
    async for finding in examine_ports(config, may_listen=False):
        examined.found.append(finding)


async def _dns(config: Config, examined: Examined) -> None:
    async for finding in examine_dns(config, resolver()):
        examined.found.append(finding)
