"""The hooks that a configuration has: for each list and service, who is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bounced.config import Config
from bounced.config.files import read_hook_secret, read_path_secret
from bounced.config.incoming import HookSettings
from bounced.core.exchange.hooks import SERVICES, Service
from bounced.web.hooks.proof import Proof, Trusted
from bounced.web.hooks.proofs import PROOFS


@dataclass(frozen=True, slots=True)
class HookInUse:
    """How one service speaks to one list.  One of ``path_secrets``, if there are any, stands behind the list too."""

    service: Service
    proof: Proof
    path_secrets: Sequence[bytes] = ()


Hooks = Mapping[tuple[str, str], HookInUse]
"""By service and list."""


def hooks_of(config: Config) -> Hooks:
    """Return the hooks of all lists.  Raises OSError, and ValueError for a secret that cannot be one."""
    return {
        (service, name): _in_use(service, hook)
        for name, list_ in config.lists.items()
        for service, hook in list_.hooks.items()
    }


def _in_use(service: str, hook: HookSettings) -> HookInUse:
    secrets = [read_hook_secret(service, file) for file in hook.secret_files or ()]
    in_path = [read_path_secret(file) for file in hook.path_secret_files or ()]
    return HookInUse(SERVICES[service], PROOFS[service](Trusted(secrets, frozenset(hook.topics))), in_path)
