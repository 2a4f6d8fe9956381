"""Return paths that another system wrapped on their way: BATV and SRS.

(draft-levine-smtp-batv; the Sender Rewriting Scheme, https://www.libsrs2.net/srs/srs.pdf)
"""

import re

MAX_LAYERS = 4

_BATV = re.compile(r"prvs=[0-9]{4}[0-9a-f]{6}=(.+)", re.ASCII | re.IGNORECASE)
_SRS0 = re.compile(r"srs0[=+-][^=@]+=[a-z2-7]{2}=([^=@]+)=(.+)", re.ASCII | re.IGNORECASE)
_SRS1 = re.compile(r"srs1[=+-][^=@]+=[^=@]+=[=+-][^=@]+=[a-z2-7]{2}=([^=@]+)=(.+)", re.ASCII | re.IGNORECASE)


def unwrap(local_part: str, domain: str) -> tuple[str, str]:
    """Return the local part and domain inside all wrappings.  Their own hashes are not ours to check."""
    for _ in range(MAX_LAYERS):
        batv = _BATV.fullmatch(local_part)
        srs = _SRS0.fullmatch(local_part) or _SRS1.fullmatch(local_part)
        if batv:
            local_part = batv[1]
        elif srs:
            domain, local_part = srs[1].lower(), srs[2]
        else:
            break
    return local_part, domain
