"""For sending software: which return path to use, whom not to mail, and what to tell the daemon.

Needs redis and the core, nothing else of the daemon; ``classify`` needs the rules too, and an extra.
docs/client.md shows it at work.
"""

from bounced.client.answers import PastEvent, Why
from bounced.client.asynchronous import AsyncClient
from bounced.client.mail_fields import MailFields
from bounced.client.meaning import classify
from bounced.client.places import NoFreeConnection
from bounced.client.plain import Client
from bounced.client.requests import Purpose
from bounced.core.contract.intake import NotUnderstood
from bounced.core.contract.keys import Keyspace
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.return_path import Keyring, KeyStatus, ReturnPaths, SigningKey
from bounced.core.terms import Category, Class, Engagement, OptIn, Profile, State, Verdict

__all__ = [
    "AsyncClient",
    "BadAddress",
    "Category",
    "Class",
    "Client",
    "Engagement",
    "KeyStatus",
    "Keyring",
    "Keyspace",
    "MailFields",
    "NoFreeConnection",
    "NotUnderstood",
    "OptIn",
    "PastEvent",
    "Profile",
    "Purpose",
    "ReturnPaths",
    "SigningKey",
    "State",
    "Verdict",
    "Why",
    "classify",
    "normalise",
]
