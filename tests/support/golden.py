"""What a command prints, beside the file that holds what it printed; ``UPDATE_GOLDEN=1`` writes the file anew.

Times, folders, ports and random values are replaced, here alone.  An hour may end while the commands run, so that what
they did is counted in two hours: the counters of the hours are added up, and charts over time are replaced.
"""

import json
import os
import re
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "cli" / "golden"

REPLACED = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "<time>"),
    (r"(issued +|(?:issued|sent_on)\": \"|(?:held|suppressed|released|to|since) )\d{4}-\d\d-\d\d", r"\1<day>"),
    (r"(soft|hard):1:\d+:\d+", r"\1:1:<time>:<time>"),
    (r"(soft|hard):\d{4}-\d\d-\d\d", r"\1:<day>"),
    (r"b-[a-z2-7]{18}=(issue42)?=(?!example)", r"b-<signed>=\1="),
    (r"(path +|\"path\": \")[a-z2-7]{13}", r"\1<mac>"),
    (r"\b[0-9a-f]{16}\b", "<id>"),
    (r"\d+-\d+(?=\")", "<stream-id>"),
    (r"(Redis|Valkey) [\d.]+", "Valkey <version>"),
    (r"(ok +installation: |\"installation\", \"outcome\": \"ok\", \"text\": \")[^\"\n]+", r"\1<version>"),
    (r"\d+ MiB used", "<n> MiB used"),
    (r"[\d.]+ s apart", "<n> s apart"),
    (r"unix://\S+?/server\.sock", "<url>"),
    (r"test-[0-9a-f]{12}", "<prefix>"),
    (r"(in the log +|\"in_log\": \"|\"address\": \")[0-9a-f]{12}\b", r"\1<hash>"),
    (r"(127\.0\.0\.1:)\d+", r"\1<port>"),
    (r"(\"pid\": |\"elapsed_ms\": )[\d.]+", r"\1<n>"),
    (r"(?m)^  \S+ ((?:lookup|release|return-path encode) \S+ --config)", r"  bounced \1"),
    (r"(?=[▁-█]*·)[·▁-█]{12}", "<over time> "),
    (r"(?m) +$", ""),
)


def differing(name: str, told: str, folder: Path) -> str:
    """Return what was told, neutral, where it is not what stands in the file of that name; else nothing."""
    told = neutral(told.replace(str(folder), "<folder>"))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(told, "utf-8")
    same = file.exists() and file.read_text("utf-8") == told
    return "" if same else f"{name}:\n{told}"


def neutral(told: str) -> str:
    """Return what was told without what differs from one run to the next."""
    told = "".join(_in_one_hour(told.splitlines(keepends=True)))
    for pattern, replacement in REPLACED:
        told = re.sub(pattern, replacement, told)
    return told


def _in_one_hour(lines: list[str]) -> list[str]:
    """Return the lines with the counters of consecutive hours in one line."""
    found: list[str] = []
    for hourly, group in groupby(lines, lambda line: line.startswith("{") and '"hour"' in line):
        same = list(group)
        found += [_added(list(map(json.loads, same)))] if hourly else same
    return found


def _added(hours: list[dict[str, Any]]) -> str:
    counts = sum((Counter(each["counts"]) for each in hours), Counter[str]())
    return json.dumps(hours[-1] | {"counts": dict(sorted(counts.items()))}) + "\n"
