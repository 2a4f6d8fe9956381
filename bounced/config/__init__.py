"""The operator's file: TOML in, a frozen and checked Config out."""

from bounced.config.errors import ConfigError, Problem, Severity
from bounced.config.loading import DEFAULT_PATH, Source, examine, load, load_to_run, read_configuration
from bounced.config.model import Config

__all__ = [
    "DEFAULT_PATH",
    "Config",
    "ConfigError",
    "Problem",
    "Severity",
    "Source",
    "examine",
    "load",
    "load_to_run",
    "read_configuration",
]
