"""What proves the events of each service."""

from collections.abc import Mapping
from types import MappingProxyType

from bounced.web.hooks.proof import ProofMaker
from bounced.web.hooks.shared_secret import SharedSecret

PROOFS: Mapping[str, ProofMaker] = MappingProxyType({"postmark": SharedSecret})
"""By the service's name, as in SERVICES."""
