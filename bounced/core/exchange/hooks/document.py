"""The table of a service as docs/hooks.md shows it: what each event is taken as."""

from collections.abc import Mapping

from bounced.core.exchange.hooks.heard import Means, Silence
from bounced.core.exchange.hooks.service import Service
from bounced.core.terms import CLASS_OF, Action, Category, Class

_SILENT: Mapping[Silence | None, str] = {
    Silence.NOT_SENT: "nothing: the service did not send the message",
    Silence.NO_EVIDENCE: "nothing",
}


def table(service: Service) -> str:
    """Return the events of a service in Markdown, those that are taken alike in one row."""
    rows: dict[str, list[str]] = {}
    for name, means in service.means.items():
        rows.setdefault(_taken_as(means), []).append(f"`{name}`")
    lines = [f"| {', '.join(names)} | {taken_as} |" for taken_as, names in rows.items()]
    return "\n".join(["| event | taken as |", "|---|---|", *lines]) + "\n"


def _taken_as(means: Means) -> str:
    if means.type is None:
        return _SILENT.get(means.silence, "nothing")
    if means.category is None:
        return f"`{means.type}`"
    if means.action is Action.DELAYED:
        return f"`{means.type}`, delayed: does not count"
    return f"`{means.type}`; if no reply says more: {_by_name(means.category)}"


def _by_name(category: Category) -> str:
    counts = ", which counts as soft without a proof" if CLASS_OF[category] is Class.HARD else ""
    return f"`{category}`{counts}"
