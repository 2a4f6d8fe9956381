"""The application as it runs: both listeners on real sockets, upon a real server."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from bounced import rules
from bounced.config import Config, load_for_web
from bounced.config.loading import read_configuration
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore
from bounced.edges.sockets import open_socket
from bounced.opening import open_store
from bounced.service import pipeline
from bounced.web import access
from bounced.web.api.document import document
from bounced.web.desk import Desk
from bounced.web.serving import Makers, Serving
from bounced.web.token_file import load_tokens, save_tokens
from bounced.web.tokens import Right, new_token

CONFIGURATION = """
[redis]
url = "{url}"
prefix = "{prefix}"
durability = "fsync"
{redis}
[web.private]
writes = {writes}
tokens_file = "tokens.toml"
{private}
[web.public]
listen = "127.0.0.1:0"
{public}
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
intake_may_release = true
[lists.other]
domains = ["bounce.example.org"]
keys = [{{ id = "a", file = "a.key" }}]
{lists}
"""
ALL_RIGHTS = tuple(Right)
PROBLEM = "application/problem+json"


class Site:
    """A running application, and how it is asked."""

    def __init__(self, file: Path, serving: Serving, sockets: dict[str, list[socket.socket]]) -> None:
        self.file = file
        self.serving = serving
        self.ports = {name: several[0].getsockname()[1] for name, several in sockets.items()}
        self.private, self.public = (client_of(self.ports[name]) for name in ("private", "public"))

    @property
    def desk(self) -> Desk:
        """What the handlers of the private listener work with."""
        return self.serving._parts[0].desk

    @property
    def store(self) -> RedisStore:
        """The store of the private listener."""
        return self.desk.store

    @property
    def keys(self) -> Keyspace:
        """The keys of the list main."""
        return self.store.keyspace("main")

    async def reload(self) -> None:
        """Read the configuration and the tokens again."""
        await self.serving.reload(load(self.file))

    async def token(
        self, *rights: Right, name: str = "crm", lists: tuple[str, ...] = ("main",), rate: int = 1000
    ) -> str:
        """Make a token, known at once."""
        secret, made = new_token(name, lists, rights, now=datetime.now(UTC), rate=rate)
        file = self.file.parent / "tokens.toml"
        save_tokens(file, load_tokens(file).without(name).with_(made))
        self.desk.use(replace(self.desk.present, tokens=load_tokens(file)))
        return secret

    async def ask(self, token: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask the private listener, and check the answer against the OpenAPI document."""
        headers = {"authorization": f"Bearer {token}", **more.pop("headers", {})}
        answer = await self.private.request(method, path, headers=headers, **more)
        check_against_document(method, path, answer)
        return answer

    async def post(self, token: str, path: str, body: object, **headers: str) -> httpx.Response:
        """Ask about the list main with a JSON body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask(token, "POST", f"/api/v1/lists/main/{path}", json=body, headers=named)

    async def get(self, token: str, path: str, **query: str) -> httpx.Response:
        """Ask about the list main."""
        return await self.ask(token, "GET", f"/api/v1/lists/main/{path}", params=query)


def client_of(port: int) -> httpx.AsyncClient:
    """Return a client of a port; it reads no certificates, which takes longer than most tests."""
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, verify=False)  # noqa: S501


Start = Callable[..., AbstractAsyncContextManager[Site]]


def check_against_document(method: str, path: str, answer: httpx.Response) -> None:
    """Fail unless the document says that this may be answered so."""
    told = document()
    operation = told["paths"][template(path)][method.lower()]
    content = operation["responses"][str(answer.status_code)]["content"]
    schema = content[answer.headers["content-type"].partition(";")[0]]["schema"]
    errors = list(Draft202012Validator({**schema, "components": told["components"]}).iter_errors(answer.json()))
    assert errors == [], f"{path}: {errors[0].message}"


def template(path: str) -> str:
    """Return the path of the document that a path belongs to."""
    steps = path.partition("?")[0].split("/")
    if steps[3:4] == ["lists"]:
        steps[4] = "{list}"
        if steps[5:6] == ["addresses"]:
            steps[6:] = ["{address}"]
    return "/".join(steps)


def load(file: Path) -> Config:
    """Return the configuration as `bounced web` reads it."""
    return load_for_web(read_configuration(file), ("public", "private"))


@asynccontextmanager
async def running(file: Path) -> AsyncIterator[Site]:
    """Give the application of a configuration."""
    config = load(file)
    wanted = {"private": config.web.private.listen, "public": config.web.public.listen}
    sockets = {name: [open_socket(address)] for name, address in wanted.items() if address}
    makers = Makers(lambda config, to_write: open_store(config, to_write=to_write), pipeline)
    async with Serving.running(config, sockets, makers) as serving:
        site = Site(file, serving, sockets)
        async with site.private, site.public:
            yield site


@pytest.fixture(autouse=True)
def _rules_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the packaged rules once for all tests: it takes longer than any of them."""
    packaged = rules.packaged()
    monkeypatch.setattr(rules, "load", lambda _files: packaged)


@pytest.fixture(autouse=True)
def _files_are_looked_at_when_a_test_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no look at the files of tokens and users come in between."""
    monkeypatch.setattr(access, "LOOK_EVERY_S", 3600.0)


@pytest.fixture
def start(tmp_path: Path, redis_url: str, key_prefix: str) -> Start:
    """Return what starts the application, with more in some tables of its configuration."""
    key = tmp_path / "a.key"
    key.write_text("a secret for tests only, long enough")
    key.chmod(0o600)

    def start(**more: str) -> AbstractAsyncContextManager[Site]:
        tables = {name: more.get(name, "") for name in ("redis", "private", "public", "lists")}
        if "data_dir" not in tables["redis"]:
            tables["redis"] += '\ndata_dir = "data"'  # a daemon of this host is none of the tests'
        if "listen" not in tables["private"]:
            tables["private"] += '\nlisten = "127.0.0.1:0"'
        file, url, writes = tmp_path / "bounced.toml", more.get("url", redis_url), more.get("writes", "true")
        file.write_text(CONFIGURATION.format(url=url, prefix=key_prefix, writes=writes, **tables))
        return running(file)

    return start


@pytest.fixture
async def site(start: Start) -> AsyncIterator[Site]:
    """Give the application with its defaults."""
    async with start() as site:
        yield site
