"""The operator's configuration: read from TOML, checked, and frozen as a Config."""

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
