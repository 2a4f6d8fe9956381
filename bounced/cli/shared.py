"""``bounced release --shared``: the same hard verdict is lifted in the lists that share it, too."""

import asyncio
from collections.abc import Sequence

import click

from bounced.cli.output import print_facts, print_json
from bounced.config import Config, build
from bounced.core.state import Evidence, ReportId, Transition
from bounced.opening import open_store
from bounced.pipeline import lift_shared

AT_ONCE = 50

shared_option = click.option(
    "--shared", is_flag=True, help="Also lift the same hard verdict in the lists that share it; nothing else there."
)
"""Hands ``shared: bool`` to a command."""


def release_shared(config: Config, list_: str, addresses: Sequence[str], evidence: Evidence, *, as_json: bool) -> bool:
    """Release addresses where other lists hold the verdict that ``list_`` shares with them; say whether any did.

    It is done before the list itself forgets from where the verdict came.
    """
    lifted = asyncio.run(_lift_all(config, list_, addresses, evidence))
    for address, by_list in zip(addresses, lifted, strict=True):
        for name, transition in by_list.items():
            before, after = transition.before.state, transition.after.state
            if as_json:
                print_json(
                    {"list": name, "address": address, "before": before, "after": after, "reason": transition.reason}
                )
            else:
                print_facts({f"{address} in {name}": f"{before} -> {after}"})
    return any(lifted)


async def _lift_all(
    config: Config, list_: str, addresses: Sequence[str], evidence: Evidence
) -> list[dict[str, Transition]]:
    policies = {name: build.policy(settings) for name, settings in config.lists.items()}
    lifted: list[dict[str, Transition]] = []
    async with open_store(config) as store:

        async def lift(address: str) -> dict[str, Transition]:
            said = ReportId(list_, "", f"{evidence.type} {address} {evidence.at.isoformat()}")
            return await lift_shared(store, policies, said, address, evidence)

        for begun in range(0, len(addresses), AT_ONCE):
            lifted += await asyncio.gather(*map(lift, addresses[begun : begun + AT_ONCE]))
    return lifted
