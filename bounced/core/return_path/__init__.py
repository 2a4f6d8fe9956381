"""Return paths: made, read, and found inside other text.  (docs/contract.md, section 3; docs/return-path.md)"""

from bounced.core.return_path.diagnosis import Cause, likely_cause
from bounced.core.return_path.directory import POSTMASTER, Directory
from bounced.core.return_path.errors import DEPENDS_ON_SERVER, BadReturnPath, DoesNotFit, Reason
from bounced.core.return_path.keyring import Keyring, KeyStatus, SigningKey
from bounced.core.return_path.paths import (
    DEFAULT_INNER_MAX_AGE_DAYS,
    DEFAULT_MAX_AGE_DAYS,
    DEFAULT_PREFIX,
    UNSUBSCRIBE_DAYS,
    UNSUBSCRIBE_PREFIX,
    ReturnPaths,
)
from bounced.core.return_path.pattern import Pattern, unsigned_path
from bounced.core.return_path.token import DEFAULT_TOKEN_DAYS, RANDOM_BYTES, Registration, TokenPath, new_token

__all__ = [
    "DEFAULT_INNER_MAX_AGE_DAYS",
    "DEFAULT_MAX_AGE_DAYS",
    "DEFAULT_PREFIX",
    "DEFAULT_TOKEN_DAYS",
    "DEPENDS_ON_SERVER",
    "POSTMASTER",
    "RANDOM_BYTES",
    "UNSUBSCRIBE_DAYS",
    "UNSUBSCRIBE_PREFIX",
    "BadReturnPath",
    "Cause",
    "Directory",
    "DoesNotFit",
    "KeyStatus",
    "Keyring",
    "Pattern",
    "Reason",
    "Registration",
    "ReturnPaths",
    "SigningKey",
    "TokenPath",
    "likely_cause",
    "new_token",
    "unsigned_path",
]
