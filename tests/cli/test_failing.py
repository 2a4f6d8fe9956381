"""Each way in which Redis does not do what it should has its own sentence, what to do about it, and an exit code."""

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import bounced
from tests.store.servers import Fleet, Server, until
from tests.store.test_tls import certificate

CONFIG = """
[redis]
url = "{url}"
durability = "{durability}"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""
LOOKUP = ("lookup", "alice@example.org")
SUPPRESS = ("suppress", "alice@example.org", "--reason", "asked by phone")
Call = Callable[..., Awaitable[Result]]


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Return what starts servers, and stops them at the end."""
    servers = Fleet(tmp_path)
    yield servers
    await servers.stop()


@pytest.fixture
async def server(fleet: Fleet) -> Server:
    """Return a server with its own settings."""
    return await fleet.start()


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Return what runs a command with the Redis of a URL."""
    key = tmp_path / "a.key"
    key.write_text("a secret for tests only, long enough")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)

    async def run(url: str, *words: str, durability: str = "memory") -> Result:
        config = tmp_path / "bounced.toml"
        config.write_text(CONFIG.format(url=url, durability=durability))
        return await asyncio.to_thread(CliRunner().invoke, bounced, [*words, "--config", str(config)])

    return run


@pytest.fixture
async def tls_port(tmp_path: Path) -> AsyncIterator[int]:
    """Return a port of loopback where somebody speaks TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield front.sockets[0].getsockname()[1]
    front.close()
    await front.wait_closed()


async def test_a_server_with_tls_at_a_plain_url_leads_to_rediss(call: Call, tls_port: int) -> None:
    """It only closes the connection, so it is asked in the other way."""
    result = await call(f"redis://127.0.0.1:{tls_port}", *LOOKUP)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"bounced: 127.0.0.1:{tls_port} speaks TLS, and redis.url does not\n")
    assert "rediss://" in result.stderr


async def test_a_plain_server_at_a_tls_url_leads_to_redis(call: Call, server: Server) -> None:
    """It waits for the end of a line, and says nothing."""
    result = await call(f"rediss://127.0.0.1:{server.port}", *LOOKUP)
    assert result.exit_code == 2
    assert f"127.0.0.1:{server.port} speaks no TLS" in result.stderr
    assert "redis://" in result.stderr


async def test_a_certificate_of_nobody_known_leads_to_the_authority(call: Call, tls_port: int) -> None:
    """The option of the URL that names it."""
    result = await call(f"rediss://127.0.0.1:{tls_port}", *LOOKUP)
    assert result.exit_code == 2
    assert "is not trusted: self-signed certificate" in result.stderr
    assert "ssl_ca_certs" in result.stderr


@pytest.mark.parametrize("end", ["/99", "?db=99"])
async def test_a_database_that_does_not_exist_is_named(call: Call, server: Server, end: str) -> None:
    """However the URL names it."""
    result = await call(server.url + end, *LOOKUP)
    assert result.exit_code == 2
    assert result.stderr.startswith("bounced: Redis has no database 99\n")


async def test_a_full_redis_leads_to_its_limit(call: Call, server: Server) -> None:
    """It answers what is read, and refuses what is written."""
    await server.ask("CONFIG", "SET", "maxmemory", "1")
    assert (await call(server.url, *LOOKUP)).exit_code == 1
    result = await call(server.url, *SUPPRESS)
    assert result.exit_code == 5
    assert result.stderr.startswith("bounced: Redis is full")
    assert "maxmemory" in result.stderr


async def test_a_redis_that_cannot_save_leads_to_its_disk(call: Call, server: Server) -> None:
    """It takes no writes then, which is its own default."""
    (server.folder / "dump.rdb").mkdir()  # where it would write
    await server.ask("CONFIG", "SET", "save", "900 1")
    await server.ask("BGSAVE")
    await until(
        server, "INFO", "persistence", lambda told: told is not None and told["rdb_last_bgsave_status"] == "err"
    )
    result = await call(server.url, *SUPPRESS)
    assert result.exit_code == 5
    assert result.stderr.startswith("bounced: Redis cannot save its data and takes no writes\nIs its disk full?")


async def test_a_redis_without_its_replicas_leads_to_them(call: Call, server: Server) -> None:
    """Where it was told to take no writes without them."""
    await server.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    result = await call(server.url, *SUPPRESS)
    assert result.exit_code == 5
    assert result.stderr.startswith("bounced: Redis misses replicas")


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:wrong@"])
async def test_a_wrong_password_and_none_lead_to_the_keys_of_the_login(call: Call, fleet: Fleet, login: str) -> None:
    """A user that does not exist is not told apart by the server."""
    server = await fleet.start()
    await server.ask("CONFIG", "SET", "requirepass", "sesame")
    result = await call(server.url.replace("//", f"//{login}"), *LOOKUP)
    assert result.exit_code == 2
    assert result.stderr.startswith("bounced: Redis refuses the user name or password\n")
    assert "redis.password_file" in result.stderr
    assert "wrong" not in result.stderr


@pytest.mark.parametrize(
    ("command", "durability", "forbidden"),
    [
        (LOOKUP, "memory", "role"),
        (LOOKUP, "memory", "hgetall"),
        (SUPPRESS, "memory", "evalsha"),
        (SUPPRESS, "replica", "role"),
    ],
)
async def test_what_the_user_may_not_do_is_named(
    call: Call, server: Server, command: tuple[str, ...], durability: str, forbidden: str
) -> None:
    """Whether the command itself is forbidden or what makes it safe; the page with the rights is named."""
    await server.ask("ACL", "SETUSER", "u", "on", ">pw", "~*", "+@all", f"-{forbidden}")
    result = await call(server.url.replace("//", "//u:pw@"), *command, durability=durability)
    assert result.exit_code == 5
    assert result.stderr.startswith("bounced: Redis does not permit that to this user: ")
    assert f"'{forbidden}'" in result.stderr
    assert "docs/redis.md" in result.stderr


async def test_a_key_that_the_user_may_not_touch_is_no_other_thing(call: Call, server: Server) -> None:
    """Such as after the prefix was changed in one of two places."""
    await server.ask("ACL", "SETUSER", "u", "on", ">pw", "~other:*", "+@all")
    result = await call(server.url.replace("//", "//u:pw@"), *SUPPRESS)
    assert result.exit_code == 5
    assert result.stderr.startswith("bounced: Redis does not permit that to this user: ")


async def test_a_server_that_loads_its_data_is_waited_for(call: Call, fleet: Fleet) -> None:
    """It is the one trouble that ends by itself."""
    slow = ("--key-load-delay", "50000", "--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no")
    server = await fleet.start(*slow)
    for number in range(200):
        await server.ask("SET", f"key-{number}", "x" * 1000)
    await server.ask("SAVE")
    await server.kill()
    await server.start_loading()
    result = await call(server.url, *LOOKUP)
    assert result.exit_code == 3
    assert result.stderr.startswith("bounced: Redis is loading its data\nTry again in a moment.")


@pytest.mark.parametrize("command", [LOOKUP, SUPPRESS])
async def test_a_replica_leads_to_its_primary(
    call: Call, fleet: Fleet, server: Server, command: tuple[str, ...]
) -> None:
    """It may lack what the primary has, so that it is not read either."""
    replica = await fleet.start("--replicaof", f"127.0.0.1 {server.port}")
    await until(replica, "ROLE", lambda role: role is not None and role[0] == b"slave")
    result = await call(replica.url, *command)
    assert result.exit_code == 5
    assert result.stderr.startswith("bounced: redis.url names a replica, which takes no writes\n")


async def test_a_durability_that_the_server_cannot_give_is_no_traceback(call: Call, server: Server) -> None:
    """The commands say it as the daemon does."""
    result = await call(server.url, *SUPPRESS, durability="fsync")
    assert result.exit_code == 2
    assert 'durability = "fsync" needs appendonly yes' in result.stderr
    assert isinstance(result.exception, SystemExit)
