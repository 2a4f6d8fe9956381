"""Give each subscriber of listmonk a signed return path for the next campaign, as the attribute return_path.

psql -At -c "SELECT email FROM subscribers WHERE status = 'enabled'" listmonk |
python listmonk_paths.py --key main.key --key-id a --bounce-domain bounce.example.com --tag nov | psql -q listmonk

Run it just before each campaign: a return path names the campaign, and the list accepts it for max_age_days only.
docs/recipes/listmonk.md says which header field of the campaign uses the attribute.

If a line is no mail address, it is named on standard error, and the exit code is 1.  All others get their path.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bounced.client import BadAddress, Client, Keyring, ReturnPaths, SigningKey

BEFORE = """\
BEGIN;
UPDATE subscribers SET attribs = attribs - 'return_path' WHERE attribs ? 'return_path';
CREATE TEMPORARY TABLE given (email text, path text) ON COMMIT DROP;
COPY given FROM stdin;
"""
AFTER = """\
\\.
UPDATE subscribers SET attribs = attribs || jsonb_build_object('return_path', given.path)
FROM given WHERE subscribers.email = given.email;
COMMIT;
"""


def statements(addresses: Iterable[str], client: Client, tag: str) -> Iterator[str]:
    """Yield the statements for psql: all subscribers get their paths, or nothing changes."""
    yield BEFORE
    for address in addresses:
        try:
            path = client.return_path_for(address, tag=tag)
        except BadAddress as error:
            yield ""
            sys.stderr.write(f"{address!r}: {error}\n")
            continue
        yield f"{escaped(address)}\t{escaped(path)}\n"
    yield AFTER


def escaped(text: str) -> str:
    """Return a text as COPY reads it."""
    return text.replace("\\", "\\\\").replace("\t", "\\t")


def main() -> int:
    """Read addresses, one a line, and write statements for psql."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="keeps the token, if an address needs one")
    parser.add_argument("--list", default="main")
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--key-id", required=True)
    parser.add_argument("--bounce-domain", required=True)
    parser.add_argument("--tag", default="", help="the campaign, in at most 8 of a-z, 0-9 and -")
    asked = parser.parse_args()
    key = SigningKey.from_file(asked.key_id, asked.key)
    paths = ReturnPaths(asked.list, (asked.bounce_domain,), Keyring(key))
    left_out = 0
    with Client.from_url(asked.redis, paths) as client:
        lines = (line.rstrip("\n") for line in sys.stdin)
        for text in statements(filter(None, lines), client, asked.tag):
            left_out += not text
            sys.stdout.write(text)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
