"""Whose a message is that an MTA logged: by the return path in its envelope sender."""

from collections.abc import Collection
from datetime import date

from bounced.core.exchange.logs.parser import IsOurs
from bounced.core.mailbox import BadAddress, normalise_domain
from bounced.core.return_path import Directory, TokenPath
from bounced.core.return_path.directory import MAX_FORWARD_PATH_CHARACTERS
from bounced.core.terms import ReturnPath


def is_ours(directory: Directory) -> IsOurs:
    """Return whether an envelope sender is at a bounce domain of ours."""
    domains = frozenset(domain for paths in directory.lists for domain in paths.domains)
    return lambda sender: sender.rpartition("@")[2].lower() in domains


def whose(
    sender: str, directory: Directory, trusting: Collection[str], today: date
) -> ReturnPath | TokenPath | str | None:
    """Return the return path that an envelope sender is, or the name of the list whose domain it has; else None.

    ``trusting`` are the lists that trust unsigned paths: only for these the domain is enough.  A token has to be
    resolved.  What is said about an address that is not the recipient of a return path says nothing.
    """
    sender = sender[:MAX_FORWARD_PATH_CHARACTERS]
    found = directory.find(sender, today)
    if found is not None:
        return found
    try:
        domain = normalise_domain(sender.rpartition("@")[2])
    except BadAddress:
        return None
    of_domain = (paths.list for paths in directory.lists if domain in paths.domains)
    return next((list_ for list_ in of_domain if list_ in trusting), None)
