"""A configuration is read as a whole, or refused with everything that is wrong with it."""

from collections.abc import Callable
from errno import EACCES
from pathlib import Path, PosixPath
from typing import NoReturn

import pytest
from pydantic import ValidationError

from bounced.config import Config, ConfigError, examine, load, load_to_run, loading, read_configuration
from bounced.config.fields import TcpAddress, UnixAddress

Write = Callable[[str], Path]
Complaints = Callable[[str], list[str]]

MAIN = """
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


def test_an_empty_file_means_the_defaults(write: Write) -> None:
    """Everything has a default."""
    assert load(write("")) == Config()


def test_the_defaults_are_those_of_the_contract() -> None:
    """The limits that an operator relies on without having written them down."""
    config = Config()
    assert [str(address) for address in config.smtp.listen] == ["0.0.0.0:25", "[::]:25"]
    assert config.smtp.max_message_bytes == 50 * 1024 * 1024
    assert config.limits.connections_per_peer == 50
    assert (config.limits.idle_s, config.limits.command_s) == (30, 60)
    assert (config.limits.data_s, config.limits.session_s) == (120, 300)
    assert config.limits.errors_per_session == 5
    assert config.redis.prefix == "bounced"
    assert config.redis.timeout_s < 5
    assert config.keep.events_max == 1_000_000


def test_without_a_file_in_etc_the_defaults_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A newcomer has no file at all."""
    monkeypatch.setattr(loading, "DEFAULT_PATH", tmp_path / "none.toml")
    assert load() == Config()


def test_a_file_in_etc_is_read_when_none_is_named(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    """What the service and the commands beside it share."""
    monkeypatch.setattr(loading, "DEFAULT_PATH", write("workers = 3"))
    assert load().workers == 3


def test_a_file_in_etc_that_may_not_be_looked_at_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder belongs to the service: whoever is not in its group is told so, and not given the defaults."""

    class Forbidden(PosixPath):
        def stat(self, *, follow_symlinks: bool = True) -> NoReturn:
            raise PermissionError(EACCES, "Permission denied")

        def read_text(self, *_: object, **__: object) -> NoReturn:
            raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr(loading, "DEFAULT_PATH", Forbidden("/etc/bounced/bounced.toml"))
    with pytest.raises(ConfigError) as refused:
        load()
    assert str(refused.value).endswith("bounced.toml: must be a file that can be read: Permission denied")


def test_a_configuration_cannot_be_changed_once_loaded(write: Write) -> None:
    """What was checked stays so."""
    config = load(write(MAIN))
    with pytest.raises(ValidationError, match="frozen"):
        config.workers = 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The operator mistyped --config."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "none.toml")
    assert str(refused.value) == f"{tmp_path}/none.toml: must be a file that can be read: No such file or directory"


def test_a_syntax_error_is_told_with_its_place(complaints: Complaints) -> None:
    """The line and column are the reader's."""
    (complaint,) = complaints("workers = \n")
    assert complaint.startswith("must be TOML: ")
    assert "line 1" in complaint


def test_octets_that_are_not_utf8_are_an_error_and_no_traceback(tmp_path: Path) -> None:
    """An editor with another encoding."""
    file = tmp_path / "latin1.toml"
    file.write_bytes(b'host_name = "m\xfcller.example"\n')
    config, (problem,) = examine(file)
    assert config is None
    assert str(problem).startswith("must be TOML: 'utf-8' codec")


def test_all_errors_are_told_at_once_each_with_file_key_value_and_expectation(write: Write) -> None:
    """Types, unknown keys, contradictions and files alike: nobody likes one error a run."""
    file = write(
        """
        workers = 0
        hostname = "mx.example.com"
        [smtp]
        lisen = ["0.0.0.0:25"]
        listen = ["0.0.0.0"]
        tls_key = "none.key"
        [lists.a]
        domains = ["bounce.example.com", "-- x"]
        keys = [{ id = "a", file = "none.key" }, { id = "a", file = "a.key", status = "sign" }]
        max_age_days = true
        [lists.b]
        domains = ["Bounce.Example.COM."]
        keys = [{ id = "a", file = "a.key" }]
        """
    )
    with pytest.raises(ConfigError) as refused:
        load(file)
    folder = file.parent
    assert sorted(refused.value.lines) == sorted(
        f"{file}: {complaint}"
        for complaint in (
            'workers must be "auto" or a whole number from 1 to 256, got 0',
            'hostname must be a known key: did you mean "host_name"?',
            'smtp.lisen must be a known key: did you mean "listen"?',
            'smtp.listen[0] must be "IP:PORT", "[IPv6]:PORT" or "unix:/path", got "0.0.0.0"',
            "smtp.tls_certificate must be given beside tls_key",
            f"smtp.tls_key must be a file that can be read (No such file or directory), got {folder}/none.key",
            'lists.a.domains[1] must be a domain such as "bounce.example.com", got "-- x"',
            "lists.a.keys[1].status must be 'signing', 'verify' or 'revoked', got \"sign\"",
            "lists.a.keys[1].id must be another for each key, got a",
            f"lists.a.keys[0].file must be a file that can be read (No such file or directory), got {folder}/none.key",
            "lists.a.max_age_days must be a whole number, got true",
            "lists.b.domains[0] must belong to one list only (it stands in lists.a too), got bounce.example.com",
        )
    )


def test_what_only_follows_from_an_error_is_not_told_as_well(complaints: Complaints) -> None:
    """A key with a wrong status is not also a missing signing key."""
    text = MAIN.replace('file = "a.key"', 'file = "a.key", status = "sign"')
    assert complaints(text) == ["lists.main.keys[0].status must be 'signing', 'verify' or 'revoked', got \"sign\""]


def test_an_unknown_key_without_a_likeness_lists_the_known_ones(complaints: Complaints) -> None:
    """So that nobody has to look for the manual."""
    assert complaints("[http]\nxyzzy = 1") == ["http.xyzzy must be a known key: one of listen"]


def test_a_list_may_be_called_like_a_key(complaints: Complaints) -> None:
    """Names that somebody chose are no keys on the way to the known ones."""
    text = MAIN.replace("lists.main", "lists.policy") + "max_age = 1"
    assert complaints(text) == ['lists.policy.max_age must be a known key: did you mean "max_age_days"?']


def test_a_missing_file_is_told_beside_a_contradiction(complaints: Complaints) -> None:
    """Two mistakes of different kinds in one table."""
    (contradiction, missing) = complaints(MAIN.replace('"a.key"', '"none.key", status = "verify"'))
    assert contradiction == 'lists.main.keys must have exactly one with status "signing", got none'
    assert missing.startswith("lists.main.keys[0].file must be a file that can be read")


def test_known_keys_are_suggested_inside_lists_keys_and_rules(complaints: Complaints) -> None:
    """Names and places on the way are no keys."""
    text = MAIN.replace("file", "fiel") + '[lists.main.policy.rules.mailbox_full]\nfinaly = "hold"'
    assert set(complaints(text)) == {
        "lists.main.keys[0].file must be given",
        'lists.main.keys[0].fiel must be a known key: did you mean "file"?',
        'lists.main.policy.rules.mailbox_full.finaly must be a known key: did you mean "finally"?',
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("workers = true", 'workers must be "auto" or a whole number from 1 to 256, got true'),
        ('limits = "x"', 'limits must be a table, got "x"'),
        ("limits.idle_s = 0", "limits.idle_s must be more than 0, got 0"),
        ('limits.idle_s = "1"', 'limits.idle_s must be a number, got "1"'),
        ("limits.connections_total = 0", "limits.connections_total must be at least 1, got 0"),
        ("limits.connections_total = 1.5", "limits.connections_total must be a whole number, got 1.5"),
        (
            'limits.trusted_peers = ["localhost"]',
            'limits.trusted_peers[0] must be an IP address or network such as "192.0.2.0/24", got "localhost"',
        ),
        ('log.level = "loud"', "log.level must be 'debug', 'info', 'warning' or 'error', got \"loud\""),
        ('smtp.listen = "0.0.0.0:25"', 'smtp.listen must be a list, got "0.0.0.0:25"'),
        (
            'redis.prefix = "a{b}"',
            'redis.prefix must be 1 to 64 printable characters without braces and spaces, got "a{b}"',
        ),
        (
            'redis.durability = "replica:0"',
            'redis.durability must be "auto", "memory", "fsync", "replica" or "replica:N", got "replica:0"',
        ),
        (
            'redis.password_file = "credential:"',
            'redis.password_file must name the credential, such as "credential:bounced-main", got "credential:"',
        ),
        (
            '[lists.Main]\ndomains = ["bounce.example.com"]\nkeys = [{ id = "a", file = "a.key" }]',
            'lists.Main must be the name of a list, 1 to 32 of a-z, 0-9 and -, got "Main"',
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_the_words_of_the_field(
    complaints: Complaints, text: str, complaint: str
) -> None:
    """No library's vocabulary in a message."""
    assert complaints(text) == [complaint]


def test_the_password_of_a_url_is_not_repeated_in_a_complaint(complaints: Complaints) -> None:
    """A log is read by more people than a configuration."""
    (complaint,) = complaints('redis.url = "redos://user:hunter2@localhost?sentinel_password=hunter2&db=1"')
    assert "hunter2" not in complaint
    assert '"redos://user:***@localhost?sentinel_password=***&db=1"' in complaint


@pytest.mark.parametrize(
    "url",
    [
        "embedded",
        "redis://localhost",
        "rediss://user:word@[::1]:6380/1",
        "unix:///run/redis.sock?db=1",
        "redis+sentinel://one:26379,two:26379/mymaster",
        "rediss+cluster://one:6379,two:6379",
    ],
)
def test_every_kind_of_server_that_can_be_reached_can_be_named(write: Write, url: str) -> None:
    """One server, a group behind Sentinels, a Cluster, our own."""
    assert load(write(f'redis.url = "{url}"')).redis.url == url


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://one,two",
        "redis://localhost:port",
        "unix://",
        "http://x",
        "redis+sentinel://one:26379",
        "localhost",
        "",
    ],
)
def test_a_url_that_leads_nowhere_is_refused(complaints: Complaints, url: str) -> None:
    """Here, and not with the first bounce."""
    (complaint,) = complaints(f'redis.url = "{url}"')
    assert complaint.startswith('redis.url must be "redis://HOST:PORT/DB"')


@pytest.mark.parametrize("url", ["https://bounced.example.com", "http://localhost:9027", "http://[::1]:9027"])
def test_people_reach_the_pages_by_https_or_on_this_machine(write: Write, url: str) -> None:
    """Such as those of a container, whose port is published on the loopback address."""
    assert load(write(f'web.private.base_url = "{url}/"')).web.private.base_url == url


@pytest.mark.parametrize("url", ["http://bounced.example.com", "http://localhost.example.com", "http://localhost:x"])
def test_nobody_is_sent_a_link_that_signs_in_over_plain_http(complaints: Complaints, url: str) -> None:
    """It would be read on its way."""
    (complaint,) = complaints(f'web.private.base_url = "{url}"')
    assert complaint.startswith("web.private.base_url must be an https URL")


def test_control_characters_cannot_forge_a_line_in_a_complaint(complaints: Complaints) -> None:
    """A complaint is one line."""
    (complaint,) = complaints('host_name = "a\\u001b[2J\\nb"')
    assert "\n" not in complaint
    assert "\x1b" not in complaint


def test_addresses_are_parsed_once(write: Write) -> None:
    """Doors get values, no text."""
    config = load(write('smtp.listen = ["[::1]:2525", "127.0.0.1:0", "unix:/run/bounced/smtp"]'))
    assert config.smtp.listen == (
        TcpAddress("::1", 2525),
        TcpAddress("127.0.0.1", 0),
        UnixAddress(Path("/run/bounced/smtp")),
    )


def test_domains_are_in_the_form_in_which_paths_are_compared(write: Write) -> None:
    """A-labels, lower case, no trailing dot."""
    config = load(write(MAIN.replace("bounce.example.com", "Bounce.BÜCHER.example.")))
    assert config.lists["main"].domains == ("bounce.xn--bcher-kva.example",)


def test_relative_paths_start_at_the_folder_of_the_file(write: Write) -> None:
    """Not where the daemon happens to be started."""
    file = write(MAIN + '\n[redis]\nurl = "embedded"\ndata_dir = "data"')
    config = load(file)
    assert config.lists["main"].keys[0].file == file.parent / "a.key"
    assert config.redis.data_dir == file.parent / "data"


def test_durability_is_fsync_for_an_embedded_server_and_memory_otherwise(write: Write) -> None:
    """The embedded server is set up for it; of another one nobody knows."""
    assert load(write('redis.url = "embedded"')).redis.effective_durability == "fsync"
    assert load(write('redis.url = "redis://localhost"')).redis.effective_durability == "memory"
    assert load(write('redis.url = "embedded"\nredis.durability = "memory"')).redis.effective_durability == "memory"


def test_the_daemon_needs_a_server_and_a_list(write: Write) -> None:
    """Other commands do without; ``run`` says what it lacks."""
    with pytest.raises(ConfigError) as refused:
        load_to_run(read_configuration(write("")))
    assert [problem.key for problem in refused.value.problems] == ["redis.url", "lists"]
    assert load_to_run(read_configuration(write(MAIN + '[redis]\nurl = "embedded"'))).redis.embedded
