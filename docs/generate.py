"""Write what the documentation takes from the code: ``make docs``."""

import re
from pathlib import Path

from bounced.config.document import example_file, manual
from bounced.core.exchange import names_document
from bounced.core.exchange.hooks import SERVICES
from bounced.core.exchange.hooks.document import table as events_table
from bounced.core.policy.document import classes, defaults, diagram
from bounced.edges.redis import time_budget
from bounced.edges.watch.metrics import declared
from docs.manual_page import manual_page

PROJECT = Path(__file__).parents[1]


def between_marks(text: str, name: str, written: str) -> str:
    """Return a page with what stands between the marks of a name replaced."""
    marks = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    replaced, count = marks.subn(lambda found: found[1] + written + found[2], text)
    assert count == 1, f"no marks for {name}"
    return replaced


def policy_page(text: str) -> str:
    """Return the page about the policy with its tables and its diagram."""
    written = {"defaults": defaults(), "classes": classes(), "diagram": f"```mermaid\n{diagram()}```\n"}
    for name, table in written.items():
        text = between_marks(text, name, table)
    return text


def hooks_page(text: str) -> str:
    """Return the page about what services post with the table of each."""
    for name, service in SERVICES.items():
        text = between_marks(text, f"events of {name}", events_table(service))
    return text


def names_page(text: str) -> str:
    """Return the page about the names of other systems with its tables."""
    text = between_marks(text, "nearest", names_document.nearest())
    return between_marks(text, "meanings", names_document.meanings())


def pages() -> dict[Path, str]:
    """Return every file that is written, complete."""
    hooks = PROJECT / "docs/hooks.md"
    metrics = PROJECT / "docs/metrics.md"
    policy = PROJECT / "docs/policy.md"
    names = PROJECT / "docs/names.md"
    redis = PROJECT / "docs/redis.md"
    return {
        PROJECT / "config/bounced.toml": example_file(),
        PROJECT / "docs/configure.md": manual(),
        PROJECT / "docs/bounced.1": manual_page(),
        hooks: hooks_page(hooks.read_text("utf-8")),
        policy: policy_page(policy.read_text("utf-8")),
        metrics: between_marks(metrics.read_text("utf-8"), "metrics", declared.table()),
        names: names_page(names.read_text("utf-8")),
        redis: between_marks(redis.read_text("utf-8"), "times", time_budget.table()),
    }


if __name__ == "__main__":
    for file, text in pages().items():
        file.write_text(text, "utf-8")
