"""The operator's configuration: read from TOML, checked, and frozen as a Config."""

from bounced.config.errors import ConfigError, Problem, Severity, named
from bounced.config.loading import (
    Source,
    examine,
    found,
    load,
    load_for_deliver,
    load_for_follow,
    load_for_web,
    load_to_run,
    read_configuration,
)
from bounced.config.model import Config

__all__ = [
    "Config",
    "ConfigError",
    "Problem",
    "Severity",
    "Source",
    "examine",
    "found",
    "load",
    "load_for_deliver",
    "load_for_follow",
    "load_for_web",
    "load_to_run",
    "named",
    "read_configuration",
]
