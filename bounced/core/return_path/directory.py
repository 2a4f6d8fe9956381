"""All bounce domains of a daemon, and the list that each belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from types import MappingProxyType

from bounced.core.mailbox import BadAddress
from bounced.core.return_path import search
from bounced.core.return_path.errors import BadReturnPath, Reason
from bounced.core.return_path.paths import UNSUBSCRIBE_PREFIX, ReturnPaths
from bounced.core.return_path.spelling import fold, in_a_labels, may_differ, readings, unwrap
from bounced.core.return_path.token import TokenPath
from bounced.core.terms import ReturnPath, RoleAddress

POSTMASTER = "postmaster"
MAX_FORWARD_PATH_CHARACTERS = 512
MAX_VERIFICATIONS = 1024
"""How many signatures are tried in one text: about 10 ms of work, whatever somebody wrote into it."""
MAX_CANDIDATES = 8 * MAX_VERIFICATIONS
"""How many candidates are looked at.  The same candidate stands in several forms of a text, and is tried once."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Finds whom a forward-path stands for, in whichever list.  Raises ValueError where two lists share a domain."""

    lists: tuple[ReturnPaths, ...]
    _by_domain: Mapping[str, ReturnPaths] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the bounce domains."""
        by_domain: dict[str, ReturnPaths] = {}
        for paths in self.lists:
            for domain in paths.domains:
                if by_domain.setdefault(domain, paths) is not paths:
                    raise ValueError(f"lists {by_domain[domain].list} and {paths.list} share the domain {domain}")
        if len({paths.list for paths in self.lists}) != len(self.lists):
            raise ValueError("two lists share one name")
        object.__setattr__(self, "_by_domain", MappingProxyType(by_domain))

    def __getitem__(self, list_: str) -> ReturnPaths:
        """Return one list by its name.  Raises KeyError."""
        for paths in self.lists:
            if paths.list == list_:
                return paths
        raise KeyError(list_)

    def decode(self, forward_path: str, *, today: date) -> ReturnPath | TokenPath | RoleAddress:
        """Return what a forward-path, without angle brackets, stands for.  Raises BadReturnPath.

        A postmaster without a domain is the first list's.  (RFC 5321 section 4.5.1)
        """
        if forward_path.lower() == POSTMASTER and self.lists:
            return RoleAddress(self.lists[0].list, POSTMASTER)
        local_part, domain = self._split(forward_path)
        if not may_differ(local_part):
            return self._decode(local_part, domain, today)
        refusals = []
        for reading in readings(local_part):
            try:
                return self._decode(reading, domain, today)
            except BadReturnPath as refused:
                refusals.append(refused)
        raise max(refusals, key=lambda refused: refused.progress)

    def resolve(
        self, path: TokenPath, fields: Mapping[str, str] | None, *, today: date, max_age_days: int | None = None
    ) -> ReturnPath:
        """Return whom a token was registered for, given the fields of its hash.  Raises BadReturnPath."""
        return self[path.list].resolve(path, fields, today=today, max_age_days=max_age_days)

    def find(self, text: str, today: date) -> ReturnPath | TokenPath | None:
        """Return the first return path of ours in some text, or None: a signed one before a token.

        An unsubscribe path tells whose a message was as well.
        """
        text = search.searchable(text)
        return self._find_signed(text, today) or self._find_token(text)

    def _split(self, forward_path: str) -> tuple[str, str]:
        """Return the local part and the bounce domain, in A-labels.  Raises BadReturnPath."""
        if len(forward_path) > MAX_FORWARD_PATH_CHARACTERS:
            raise BadReturnPath(Reason.MALFORMED)
        local_part, _, domain = forward_path.rpartition("@")
        try:
            domain = in_a_labels(fold(domain))
        except BadAddress as error:
            raise BadReturnPath(Reason.FOREIGN) from error
        if domain not in self._by_domain:
            raise BadReturnPath(Reason.FOREIGN)
        return local_part, domain

    def _decode(self, local_part: str, domain: str, today: date) -> ReturnPath | TokenPath | RoleAddress:
        inner_local_part, inner_domain = unwrap(local_part, domain)
        paths = self._by_domain.get(inner_domain)
        if paths is None:
            raise BadReturnPath(Reason.MALFORMED)
        role = fold(inner_local_part)
        if role == POSTMASTER or role in paths.roles:
            return RoleAddress(paths.list, role)
        return paths.decode_local_part(inner_local_part, today=today)

    def _find_signed(self, text: str, today: date) -> ReturnPath | None:
        """Return the first path that some list verifies.  The signature says to which list it belongs."""
        attempts = (
            _verified(paths, local_part, today)
            for prefix in self._prefixes
            for local_part in dict.fromkeys(islice(search.signed_candidates(text, prefix), MAX_CANDIDATES))
            for paths in self.lists
            if prefix in (paths.prefix, UNSUBSCRIBE_PREFIX)
        )
        return next(filter(None, islice(attempts, MAX_VERIFICATIONS)), None)

    def _find_token(self, text: str) -> TokenPath | None:
        for prefix in self._prefixes:
            for token, domain in search.token_candidates(text, prefix):
                paths = self._by_domain.get(domain)
                if paths is not None and prefix in (paths.prefix, UNSUBSCRIBE_PREFIX):
                    return TokenPath(paths.list, token, prefix == UNSUBSCRIBE_PREFIX)
        return None

    @property
    def _prefixes(self) -> tuple[str, ...]:
        return *dict.fromkeys(paths.prefix for paths in self.lists), UNSUBSCRIBE_PREFIX


def _verified(paths: ReturnPaths, local_part: str, today: date) -> ReturnPath | None:
    try:
        found = paths.decode_local_part(local_part, today=today, max_age_days=paths.inner_max_age_days)
    except BadReturnPath:
        return None
    return found if isinstance(found, ReturnPath) else None
