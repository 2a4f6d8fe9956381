"""What tables cannot see by themselves: each other, and the files they name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bounced.config import Severity, examine, load
from tests.support.certificate import write_certificate

Write = Callable[[str], Path]
Complaints = Callable[[str], list[str]]

MAIN = """
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


def test_a_list_without_keys_is_refused(complaints: Complaints) -> None:
    """Its return paths could not be told from forged ones."""
    text = '[lists.main]\ndomains = ["bounce.example.com"]'
    assert complaints(text) == ['lists.main.keys must have exactly one with status "signing", got none']


def test_two_signing_keys_are_refused(complaints: Complaints) -> None:
    """Nobody could say which one signs."""
    text = MAIN.replace(" }]", ' }, { id = "b", file = "a.key" }]')
    assert complaints(text) == ['lists.main.keys must have exactly one with status "signing", got a, b']


def test_old_keys_stand_beside_the_signing_one(write: Write) -> None:
    """A key is rotated by adding a new one and leaving the old one to verify."""
    text = MAIN.replace("keys = [", 'keys = [{ id = "b", file = "a.key", status = "verify" }, ')
    assert [key.status for key in load(write(text)).lists["main"].keys] == ["verify", "signing"]


def test_a_secret_of_fifteen_octets_is_refused_line_ends_do_not_count(write: Write, tmp_path: Path) -> None:
    """A guessable key would let anybody sign."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcde\r\n")
    (problem,) = examine(write(MAIN))[1]
    assert str(problem) == f"lists.main.keys[0].file must hold at least 16 octets, got 15 in {tmp_path}/a.key"


def test_commands_that_need_no_secret_do_not_look_for_it(write: Write, tmp_path: Path) -> None:
    """``lookup`` works for those who may not read the keys."""
    (tmp_path / "a.key").unlink()
    assert load(write(MAIN), check_files=False).lists["main"].domains == ("bounce.example.com",)


def test_credentials_are_taken_from_the_folder_that_systemd_names(
    monkeypatch: pytest.MonkeyPatch, write: Write, tmp_path: Path
) -> None:
    """LoadCredential= puts them there, readable by the service alone."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "main-a").write_bytes(b"0123456789abcdef")
    (credentials / "main-a").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    config = load(write(MAIN.replace("a.key", "credential:main-a")))
    assert config.lists["main"].keys[0].file == credentials / "main-a"


def test_credentials_are_looked_for_in_their_store_outside_the_service(
    monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    """An operator's commands find the same files as the service."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config = load(write(MAIN.replace("a.key", "credential:main-a")), check_files=False)
    assert config.lists["main"].keys[0].file == Path("/etc/credstore/main-a")


def test_a_credential_cannot_leave_its_folder(complaints: Complaints) -> None:
    """It is a name, not a path."""
    (complaint,) = complaints(MAIN.replace("a.key", "credential:../shadow"))
    assert "must name the credential" in complaint


def test_a_certificate_and_its_key_are_accepted(write: Write, tmp_path: Path) -> None:
    """Tried as STARTTLS will use them."""
    write_certificate(tmp_path)
    text = '[smtp]\ntls_certificate = "mx.pem"\ntls_key = "mx.key"'
    assert load(write(text)).smtp.tls_key == tmp_path / "mx.key"


def test_a_key_of_another_certificate_is_refused(write: Write, tmp_path: Path) -> None:
    """The usual mistake after a renewal."""
    write_certificate(tmp_path)
    other = (tmp_path / "mx.key").read_bytes()
    write_certificate(tmp_path)
    (tmp_path / "mx.key").write_bytes(other)
    (problem,) = examine(write('[smtp]\ntls_certificate = "mx.pem"\ntls_key = "mx.key"'))[1]
    assert problem.key == "smtp.tls_certificate"
    assert "goes with tls_key" in problem.must


def test_a_certificate_that_is_none_is_refused(write: Write, tmp_path: Path) -> None:
    """Any other file."""
    write_certificate(tmp_path)
    (problem,) = examine(write('[smtp]\ntls_certificate = "a.key"\ntls_key = "mx.key"'))[1]
    assert (problem.key, problem.got) == ("smtp.tls_certificate", f"{tmp_path}/a.key")


def test_two_lists_cannot_have_one_domain(complaints: Complaints) -> None:
    """The domain says which list a return path belongs to."""
    assert complaints(MAIN + MAIN.replace("lists.main", "lists.other").replace("bounce.", "BOUNCE.")) == [
        "lists.other.domains[0] must belong to one list only (it stands in lists.main too), got bounce.example.com"
    ]


def test_hashed_addresses_need_a_pepper(complaints: Complaints) -> None:
    """Without a secret a hash of an address can be guessed."""
    assert complaints(MAIN + 'address_form = "hmac"') == [
        'lists.main.pepper_file must be given with address_form = "hmac"'
    ]


def test_hard_verdicts_are_shared_with_lists_that_exist(complaints: Complaints) -> None:
    """Neither with itself nor with one that is not there."""
    assert complaints(MAIN + 'shares_hard_with = ["main", "other"]') == [
        "lists.main.shares_hard_with[0] must be the name of another list, got main",
        "lists.main.shares_hard_with[1] must be the name of another list, got other",
    ]


def test_a_pattern_cannot_begin_like_a_signed_path(complaints: Complaints) -> None:
    """It would never be asked."""
    assert complaints(MAIN + 'patterns = ["b-{local}={domain}"]') == [
        'lists.main.patterns[0] must not begin like a signed return path, "b-", got b-{local}={domain}'
    ]


def test_trust_in_unsigned_paths_without_any_is_pointed_out(write: Write) -> None:
    """Whoever wrote it thought of something else."""
    (problem,) = examine(write(MAIN + "trust_unsigned = true"))[1]
    assert (problem.key, problem.severity) == ("lists.main.trust_unsigned", Severity.WARNING)


def test_a_listener_cannot_take_the_address_of_another(complaints: Complaints) -> None:
    """The second one could not start."""
    text = '[[listeners]]\nprotocol = "lmtp"\naddress = "0.0.0.0:25"'
    assert complaints(text) == ["listeners[0].address must be free (smtp.listen[0] listens there), got 0.0.0.0:25"]


def test_an_embedded_server_has_no_replicas_to_wait_for(complaints: Complaints) -> None:
    """Every bounce would be answered with 451."""
    (complaint,) = complaints('redis.url = "embedded"\nredis.durability = "replica:1"')
    assert complaint.startswith("redis.durability must be memory or fsync")


def test_a_missing_rule_file_is_an_error(complaints: Complaints) -> None:
    """Rules that are not there classify nothing."""
    (complaint,) = complaints('rules.files = ["none.toml"]')
    assert complaint.startswith("rules.files[0] must be a file that can be read")


@pytest.mark.parametrize("prefix", ["u-", "u", "u-x"])
def test_a_prefix_that_begins_unsubscribe_paths_is_refused(complaints: Complaints, prefix: str) -> None:
    """Nobody could tell a bounce from an unsubscription."""
    text = f'{MAIN}prefix = "{prefix}"\n'
    must = f'not begin like "u-", nor "u-" like it: so begin unsubscribe paths, got {prefix}'
    assert complaints(text) == [f"lists.main.prefix must {must}"]


def test_a_pattern_that_begins_unsubscribe_paths_is_refused(complaints: Complaints) -> None:
    """As one that begins like a return path."""
    text = MAIN + 'patterns = ["u-{local}={domain}"]\n'
    (complaint,) = complaints(text)
    assert complaint.startswith('lists.main.patterns[0] must not begin like a signed return path, "u-"')


@pytest.mark.parametrize(("days", "good"), [(1, True), (400, True), (0, False), (401, False)])
def test_tokens_live_a_day_to_four_hundred(complaints: Complaints, days: int, good: bool) -> None:
    """No complaint is believed after 400 days."""
    assert (complaints(f"{MAIN}token_days = {days}\n") == []) is good


@pytest.mark.parametrize("name", ["Cookie", "host", "Content-Length", "X-Forwarded-For", "X Remote", "X_User", ""])
def test_a_field_in_which_a_proxy_names_people_has_no_other_use(complaints: Complaints, name: str) -> None:
    """And it is the name of a field."""
    (complaint,) = complaints(MAIN + f'[web.private]\nproxies = ["127.0.0.1"]\nuser_header = "{name}"\n')
    assert complaint.startswith("web.private.user_header must be the name of a header field that nothing else uses")


def test_a_field_that_no_proxy_may_send_is_doubted(write: Write) -> None:
    """It is taken from listed peers only; a Unix socket needs no list."""
    text = MAIN + '[web.private]\nuser_header = "X-Forwarded-User"\n'
    (problem,) = examine(write(text))[1]
    assert problem.severity is Severity.WARNING
    assert problem.key == "web.private.proxies"
    assert examine(write(text + 'listen = "unix:/run/web"\n'))[1] == ()


def test_a_session_lasts_at_least_as_long_as_it_may_be_idle(complaints: Complaints) -> None:
    """Else the one limit would never be reached."""
    (complaint,) = complaints(MAIN + "[web.private]\nsession_s = 60.0\n")
    assert complaint == "web.private.session_s must be at least web.private.session_idle_s, got 60"
