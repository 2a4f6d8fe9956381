"""Who may ask: tokens, rights, lists, rates, hosts; and what a proxy may say for others."""

from datetime import UTC, datetime

import pytest

from bounced.web.rates import LARGEST_COST, Rates
from bounced.web.tokens import Right, Tokens, TokensInvalid, new_token, read_tokens, written

from .conftest import ALL_RIGHTS, Site, Start

CHECK = {"addresses": ["alice@example.org"]}
LIST = "/api/v1/lists/main"
NEEDS = {
    ("POST", f"{LIST}/check"): Right.CHECK,
    ("GET", f"{LIST}/addresses/a%40example.org"): Right.READ,
    ("POST", f"{LIST}/lookup"): Right.READ,
    ("GET", f"{LIST}/suppressed"): Right.READ,
    ("GET", f"{LIST}/events"): Right.READ,
    ("POST", f"{LIST}/report"): Right.REPORT,
    ("POST", f"{LIST}/return-path"): Right.REPORT,
    ("POST", f"{LIST}/suppress"): Right.WRITE,
    ("POST", f"{LIST}/release"): Right.WRITE,
    ("POST", f"{LIST}/subscribed"): Right.WRITE,
}
ANYBODYS = [("POST", "/api/v1/explain"), ("POST", "/api/v1/classify")]


@pytest.mark.parametrize(("method", "path"), [*NEEDS, *ANYBODYS])
@pytest.mark.parametrize("field", ["", "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer a b"])
async def test_without_a_token_nothing_is_answered(site: Site, method: str, path: str, field: str) -> None:
    """Whatever stands in the field in its place; the challenge says what is wanted."""
    headers = {"authorization": field} if field else {}
    refused = await site.private.request(method, path, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(("asked", "right"), NEEDS.items(), ids=str)
async def test_every_right_but_the_one_that_is_needed_is_not_enough(
    site: Site, asked: tuple[str, str], right: Right
) -> None:
    """And a list that a token is not for is not there."""
    method, path = asked
    others = await site.token(*(each for each in Right if each is not right))
    assert (await site.ask(others, method, path)).status_code == 403
    elsewhere = await site.token(*ALL_RIGHTS, lists=("other",))
    hidden = await site.ask(elsewhere, method, path)
    missing = await site.ask(elsewhere, method, path.replace("/main/", "/nowhere/"))
    assert (hidden.status_code, hidden.content) == (404, missing.content)


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(site: Site) -> None:
    """The bucket holds two seconds, or one of the largest requests."""
    token = await site.token(Right.CHECK, rate=1)
    asked = {"addresses": ["a@example.org"] * 10_000}
    assert (await site.post(token, "check", asked)).status_code == 200
    refused = await site.post(token, "check", asked)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= LARGEST_COST + 1


def test_a_bucket_fills_steadily() -> None:
    """Up to what it holds."""
    now = [0.0]
    rates = Rates(lambda: now[0])
    assert rates.wait_s("a", 10, LARGEST_COST) == 0
    assert rates.wait_s("a", 10, 5) == pytest.approx(0.5)
    assert rates.wait_s("b", 10, 5) == 0
    now[0] = 0.5
    assert rates.wait_s("a", 10, 5) == 0
    now[0] = 1000.0
    assert rates.wait_s("a", 10, LARGEST_COST) == 0
    assert rates.wait_s("a", 10, LARGEST_COST) > 0


def test_what_is_kept_of_a_token_does_not_make_one() -> None:
    """Its hash; the file reads back what was written."""
    secret, token = new_token("crm", ["main", "main"], [Right.READ], now=datetime.now(UTC), rate=5)
    text = written(Tokens([token]))
    assert secret not in text
    (again,) = read_tokens(text)
    assert again == token
    assert (read_tokens(text).find(secret), read_tokens(text).find(token.digest)) == (token, None)


def test_a_file_of_tokens_says_everything_that_is_wrong_with_it() -> None:
    """A line each; nothing is guessed."""
    text = """
    x = 1
    [tokens.a]
    sha256 = "short"
    lists = []
    rights = ["everything"]
    rate = 0
    colour = "red"
    """
    with pytest.raises(TokensInvalid) as invalid:
        read_tokens(text)
    assert str(invalid.value).splitlines() == [
        "x must be a known key",
        "tokens.a must have sha256, 64 hexadecimal digits",
        "tokens.a must have lists, names of suppression lists",
        "tokens.a must have rights, of check, read, report, write",
        "tokens.a must have a rate from 1 to 1000000",
        "tokens.a must have no colour",
    ]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9027", "127.0.0.1.evil.example", "", "localhost,evil.example"]
)
async def test_a_host_that_is_not_ours_is_not_answered(site: Site, host: str) -> None:
    """A browser that a foreign name led here learns nothing."""
    refused = await site.private.get("/api/openapi.json", headers={"host": host})
    assert (refused.status_code, refused.json()["type"]) == (421, "urn:bounced:problem:wrong-host")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "[::1]:9027", "127.0.0.1", "api.example.com", "API.example.com."]
)
async def test_a_host_that_is_ours_is_answered(start: Start, host: str) -> None:
    """The local names, and those that are configured."""
    async with start(private='hosts = ["api.example.com"]') as site:
        assert (await site.private.get("/healthz", headers={"host": host})).status_code == 200


async def peer_in_log(site: Site, headers: dict[str, str], caught: list[dict[str, str]]) -> str:
    """Return who asked, as the log has it."""
    await site.private.get("/nothing", headers=headers)
    return caught[-1]["peer"]


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Return the lines of the access log."""
    lines: list[dict[str, str]] = []

    class Log:
        def info(self, _event: str, **facts: str) -> None:
            lines.append(facts)

    monkeypatch.setattr("bounced.web.guard.LOG", Log())
    return lines


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer"),
    [
        ("[]", "192.0.2.1", "127.0.0.1"),
        ('["127.0.0.1"]', "192.0.2.1", "192.0.2.1"),
        ('["127.0.0.1"]', "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ('["127.0.0.1", "192.0.2.0/24"]', "203.0.113.9, 192.0.2.1", "203.0.113.9"),
        ('["127.0.0.1"]', "nonsense", ""),
        ('["127.0.0.1"]', "[2001:db8::1]:443", "2001:db8::1"),
        ('["127.0.0.1"]', "192.0.2.1:1234", "192.0.2.1"),
    ],
)
async def test_a_proxy_is_believed_where_it_is_one_of_ours(
    start: Start, caught: list[dict[str, str]], proxies: str, forwarded: str, peer: str
) -> None:
    """The last address that is no proxy's: what stands before it anybody may write."""
    async with start(private=f"proxies = {proxies}") as site:
        assert await peer_in_log(site, {"x-forwarded-for": forwarded}, caught) == peer


async def test_https_is_what_a_proxy_of_ours_says(start: Start) -> None:
    """Only then the browser is told to stay with it."""
    field = {"x-forwarded-proto": "https"}
    async with start() as site:
        assert "strict-transport-security" not in (await site.private.get("/healthz", headers=field)).headers
    async with start(private='proxies = ["127.0.0.1"]') as site:
        assert "strict-transport-security" in (await site.private.get("/healthz", headers=field)).headers


async def test_the_log_names_nobody(site: Site, caught: list[dict[str, str]]) -> None:
    """An address stands in the field that the log hashes; a path without a route is hashed at once."""
    await site.get(await site.token(Right.READ), "addresses/alice%40example.org")
    line = caught[-1]
    assert (line["address"], line["route"]) == ("alice@example.org", "/api/v1/lists/{list}/addresses/{address:path}")
    assert not [name for name, value in line.items() if name != "address" and "alice" in str(value)]
    await site.private.get("/alice@example.org?token=secret")
    assert not [value for value in caught[-1].values() if "alice" in str(value) or "secret" in str(value)]


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/v1/classify", "/healthz", "/readyz", "/metrics", "/"])
async def test_the_public_listener_serves_nothing_of_the_private_one(site: Site, path: str) -> None:
    """Not even that it is there; with a token that is good elsewhere, too."""
    headers = {"authorization": f"Bearer {await site.token(*ALL_RIGHTS)}"}
    for spelled in (path, f"/{path}", f"/u/..{path}", path.replace("a", "%61", 1)):
        assert (await site.public.get(spelled, headers=headers)).status_code == 404


async def test_every_answer_protects_a_browser(site: Site) -> None:
    """Errors as well."""
    for path in ("/healthz", "/nothing"):
        fields = (await site.private.get(path)).headers
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["content-security-policy"].startswith("default-src 'self';")
        assert (fields["cache-control"], fields["referrer-policy"]) == ("no-store", "no-referrer")
        assert fields["x-request-id"]
        assert "server" not in fields
