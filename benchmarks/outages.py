"""The table of docs/policy.md: what becomes of whom when a large provider calls everybody unknown.

    benchmarks/outages.py [--members N] [--imported N] [--years N]

Each scene runs twice, without the guard by provider and with it.
"""

import argparse
import asyncio
import logging
from statistics import mean, median

import structlog

from bounced.core.policy.outage import DEFAULT_PROVIDERS, ProviderRule
from bounced.simulation.outages import Outcome, Scene, play, scenes

NEVER = ProviderRule(addresses=10**9)

HEAD = (
    "| scene | profiles | good suppressed | good held (days each) | dead found | days until found: median, longest | "
    "mails to a dead one: mean, most | disputes |\n|---|---|---|---|---|---|---|---|"
)


def row(scene: Scene, before: Outcome, after: Outcome) -> str:
    """Return a row: before and after, with an arrow between."""
    cells = zip(_cells(before), _cells(after), strict=True)
    told = [one if one == other else f"{one} → **{other}**" for one, other in cells]
    return f"| {scene.name} | {'told' if scene.profiles else 'none'} | {' | '.join(told)} |"


def _cells(outcome: Outcome) -> list[str]:
    each = outcome.held_days / outcome.good_held if outcome.good_held else 0
    return [
        f"{outcome.good_lost:,}",
        f"{outcome.good_held:,} ({each:.0f})",
        f"{len(outcome.found_days):,} of {outcome.dead:,}",
        f"{median(outcome.found_days):.0f}, {max(outcome.found_days):.0f}",
        f"{mean(outcome.mails):.2f}, {max(outcome.mails)}",
        f"{outcome.disputes}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--imported", type=int, default=200_000)
    parser.add_argument("--years", type=int, default=2)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(HEAD)
    for scene in scenes(asked.members, asked.imported, asked.years):
        before, after = (asyncio.run(play(scene, rule)) for rule in (NEVER, DEFAULT_PROVIDERS))
        print(row(scene, before, after), flush=True)


if __name__ == "__main__":
    main()
