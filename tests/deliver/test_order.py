"""Whatever fails, and whoever takes over: of each address the events arrive in the order in which they were written."""

import asyncio
import random
from collections.abc import Callable

import pytest

from bounced.deliver.serving import Delivering, end
from bounced.opening import now
from tests.support.receiver import OK, Request, receiving, status

from .conftest import Site, Start, config_of, hook

pytestmark = pytest.mark.usefixtures("quick")

EVENTS, STEP, ADDRESSES = 240, 24, 12
FAILURES = (status(500), status(429, "Retry-After: 0"), status(302), b"", b"HTTP/1.1 nonsense\r\n\r\n")
LEASE = "[deliver]\nlease_s = 0.4\n"


@pytest.mark.parametrize("seed", range(3))
async def test_no_event_overtakes_another_of_its_address(start: Start, seed: int) -> None:
    """With answers that fail, are late or are lost, leases and connections that are taken away, kills and reloads."""
    chance, taken = random.Random(seed), dict[str, list[int]]()

    async def answer(request: Request) -> bytes:
        await asyncio.sleep(chance.random() * 0.01)
        if chance.random() < 1 / 3:
            return chance.choice(FAILURES)
        number, numbers = int(request.told["data"]["note"]), taken.setdefault(request.address, [])
        if number not in numbers:
            numbers.append(number)
        return OK if chance.random() < 0.9 else b""

    async with receiving(answer) as crm, start(hook(crm.url, more="connections = 6"), deliver=LEASE) as site:
        second = Delivering(site.store, now)
        second.use(config_of(site.file))
        for written in range(STEP, EVENTS + 1, STEP):
            await write(site, written, chance)
            await crm.until(reached(taken, written - chance.randrange(STEP)))
            await trouble(site, chance.choice((site.delivering, second)), chance)
        await crm.until(reached(taken, EVENTS))
        await site.settled()
        await second.stop()
    assert len(taken) == ADDRESSES
    for numbers in taken.values():
        assert numbers == sorted(numbers)


async def write(site: Site, up_to: int, chance: random.Random) -> None:
    """Write events about few addresses into both streams, numbered."""
    for number in range(up_to - STEP, up_to):
        await site.write(f"a{number % ADDRESSES}", note=number, bulk=chance.random() < 0.3)


async def trouble(site: Site, delivering: Delivering, chance: random.Random) -> None:
    """Let something go wrong beside the receiver."""
    match chance.randrange(4):
        case 0:
            await site.redis.set(site.keys.hook_lease("crm"), "another", px=50)
        case 1:
            await site.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        case 2:
            await delivering.reload(config_of(site.file))
        case 3:
            await end([part.task for part in delivering._parts])  # as a kill: it leaves nothing
            await asyncio.gather(*(part.sender.close() for part in delivering._parts))
            delivering.use(config_of(site.file))


def reached(taken: dict[str, list[int]], goal: int) -> Callable[[], bool]:
    """Return what says whether so many have arrived."""
    return lambda: sum(map(len, taken.values())) >= goal
