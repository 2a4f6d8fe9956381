"""A proposed policy: a file with only the settings that differ from the policy in force."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from bounced.config.errors import ConfigError, Problem
from bounced.config.explaining import problem_of
from bounced.config.fields import Days
from bounced.config.health import DisputeSettings
from bounced.config.model import SuppressionList
from bounced.config.modes import writable_by_everybody
from bounced.config.policy import PolicySettings, policy_of
from bounced.core.policy import Policy


class Proposal(PolicySettings):
    """The keys of a list's ``policy``, with its ``cadence_days`` and ``disputes``."""

    cadence_days: Days = Field(default=7, description="Days between two mails to one address.")
    disputes: DisputeSettings = DisputeSettings()

    def to_policy(self) -> Policy:
        """Return the policy that is proposed.  Raises ValueError for one that breaks what the daemon promises."""
        return policy_of(self, self.cadence_days)


def proposal(file: Path, in_force: SuppressionList | None) -> Proposal:
    """Return the policy of a list with what a file changes in it.  Raises ConfigError."""
    if problems := writable_by_everybody("", file):
        raise ConfigError(file, problems)
    try:
        changed = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(file, [Problem("", f"be a file that can be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(file, [Problem("", f"be TOML: {error}")]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, [Problem("", f"be TOML: {error}")]) from error
    return proposed(changed, in_force, file)


def proposed(changed: Mapping[str, Any], in_force: SuppressionList | None, file: Path | None = None) -> Proposal:
    """Return the policy of a list with some settings changed in it.  Raises ConfigError."""
    try:
        merged = Proposal.model_validate(_merged(_written(in_force), changed) if in_force else changed)
        merged.to_policy()
    except ValidationError as error:
        raise ConfigError(file, [problem_of(detail, Proposal) for detail in error.errors()]) from error
    except ValueError as error:
        raise ConfigError(file, [Problem("rules", f"keep what the daemon promises: {error}")]) from error
    return merged


def _written(in_force: SuppressionList) -> dict[str, Any]:
    """Return the settings that the configuration sets itself, without defaults."""
    written: dict[str, Any] = in_force.policy.model_dump(by_alias=True, exclude_unset=True)
    disputes = in_force.disputes.model_dump(exclude_unset=True)
    return written | {"cadence_days": in_force.cadence_days} | ({"disputes": disputes} if disputes else {})


def _merged(base: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changed.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged
