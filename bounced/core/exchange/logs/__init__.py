"""Logs of one's own MTAs: what became of each message that was sent to one address."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bounced.core.exchange.logs import exim, postfix
from bounced.core.exchange.logs.exim import Exim
from bounced.core.exchange.logs.kumomta import KumoMta
from bounced.core.exchange.logs.parser import IsOurs, Logged, LogParser, Source, State
from bounced.core.exchange.logs.postfix import Postfix
from bounced.core.exchange.logs.powermta import PowerMta

PARSERS: Mapping[str, Callable[[Source, IsOurs], LogParser]] = MappingProxyType(
    {
        "exim": Exim,
        "postfix": Postfix,
        "kumomta": KumoMta,
        "powermta": PowerMta,
    }
)
"""By the MTA's name in ``bounced follow``."""

JOURNAL_UNITS: Mapping[str, frozenset[str]] = MappingProxyType({"exim": exim.UNITS, "postfix": postfix.UNITS})
"""The units of the packages of MTAs that write to the journal."""

__all__ = ["JOURNAL_UNITS", "PARSERS", "IsOurs", "LogParser", "Logged", "Source", "State"]
