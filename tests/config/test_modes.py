"""Files that everybody may read or change: what is refused, in which words, and what is as it should be."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bounced.config import ConfigError, Severity, examine, load, load_for_web, load_to_run, read_configuration
from bounced.config.proposal import proposal
from tests.config.test_checks import MAIN
from tests.support.certificate import write_certificate

Write = Callable[[str], Path]
RUNNING = MAIN + '[redis]\nurl = "redis://localhost"\n'


def _complaints(file: Path) -> list[str]:
    return [str(problem) for problem in examine(file)[1] if problem.severity is Severity.ERROR]


def _mend(complaint: str) -> None:
    """Do as a complaint says."""
    command = complaint.partition(": chmod ")[2].rpartition(", got ")[0]
    subprocess.run(["sh", "-c", f"chmod {command}"], check=True)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o602])
@pytest.mark.parametrize("secret", ["a.key", "pepper", "mx.key", "password"])
def test_a_secret_that_is_open_to_everybody_keeps_the_daemon_from_starting(
    write: Write, tmp_path: Path, secret: str, mode: int
) -> None:
    """The complaint names the file, its mode, and the command that mends it."""
    write_certificate(tmp_path)
    for name in ("pepper", "password"):
        (tmp_path / name).write_bytes(b"0123456789abcdef")
        (tmp_path / name).chmod(0o600)
    file = write(
        RUNNING.replace("[redis]", 'pepper_file = "pepper"\n[redis]\npassword_file = "password"')
        + '[smtp]\ntls_certificate = "mx.pem"\ntls_key = "mx.key"\n'
    )
    assert load_to_run(read_configuration(file)).lists
    (tmp_path / secret).chmod(mode)
    (complaint,) = _complaints(file)
    assert str(tmp_path / secret) in complaint
    assert f"got mode {mode:04o}" in complaint
    with pytest.raises(ConfigError):
        load_to_run(read_configuration(file))
    _mend(complaint)
    assert load_to_run(read_configuration(file)).lists


def test_the_words_of_a_complaint(write: Write, tmp_path: Path) -> None:
    """The key, what must be, the command, the mode."""
    (tmp_path / "a.key").chmod(0o644)
    assert _complaints(write(MAIN)) == [
        f"lists.main.keys[0].file must not be readable by everybody: chmod o= {tmp_path}/a.key, got mode 0644"
    ]


@pytest.mark.parametrize("what", ["bounced.toml", "own.toml", "mx.pem"])
def test_what_everybody_may_change_is_refused(write: Write, tmp_path: Path, what: str) -> None:
    """The configuration itself, rules, the certificate: whoever changes them decides who is suppressed."""
    write_certificate(tmp_path)
    (tmp_path / "own.toml").touch(mode=0o644)
    file = write(RUNNING + '[smtp]\ntls_certificate = "mx.pem"\ntls_key = "mx.key"\n[rules]\nfiles = ["own.toml"]\n')
    assert load_to_run(read_configuration(file)).lists
    (tmp_path / what).chmod(0o646)
    (complaint,) = _complaints(file)
    assert complaint.endswith(f"must not be writable by everybody: chmod o-w {tmp_path / what}, got mode 0646")
    with pytest.raises(ConfigError, match="chmod o-w"):
        load_to_run(read_configuration(file))
    _mend(complaint)
    assert load_to_run(read_configuration(file)).lists


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o440, 0o400])
def test_the_group_may_read_and_write(write: Write, tmp_path: Path, mode: int) -> None:
    """Files of root with the service's group are what docs/install.md makes; systemd's credentials are 0400 or 0440."""
    file = write(RUNNING)
    (tmp_path / "a.key").chmod(mode)
    file.chmod(mode)
    assert _complaints(file) == []


def test_the_mode_of_a_symbolic_link_does_not_count(write: Write, tmp_path: Path) -> None:
    """A link is always open to everybody; what it leads to counts, and the command mends that."""
    file = write(RUNNING)
    target = (tmp_path / "a.key").rename(tmp_path / "the real one")
    (tmp_path / "a.key").symlink_to(target)
    assert _complaints(file) == []
    target.chmod(0o644)
    (complaint,) = _complaints(file)
    _mend(complaint)
    assert target.stat().st_mode & 0o777 == 0o640
    assert _complaints(file) == []


def test_a_file_whose_name_a_shell_would_misread_is_quoted(write: Write, tmp_path: Path) -> None:
    """The command can be copied as it stands."""
    file = write(RUNNING.replace("a.key", "a key; exit 1"))
    (tmp_path / "a.key").rename(tmp_path / "a key; exit 1").chmod(0o644)
    (complaint,) = _complaints(file)
    _mend(complaint)
    assert _complaints(file) == []


def test_other_commands_go_on(write: Write, tmp_path: Path) -> None:
    """A pipe that ends with a usage error loses the bounce, so only what starts or examines the daemon refuses."""
    file = write(RUNNING)
    (tmp_path / "a.key").chmod(0o644)
    assert load(file).lists["main"].domains == ("bounce.example.com",)


def test_a_worker_that_is_replaced_is_not_kept_from_starting(write: Write, tmp_path: Path) -> None:
    """The daemon runs with these files; a mode that somebody changed since is said at the next reload."""
    file = write(RUNNING)
    source = read_configuration(file)
    (tmp_path / "a.key").chmod(0o644)
    file.chmod(0o666)
    assert load_to_run(source, check_modes=False).lists


def test_a_password_in_a_url_is_a_warning_where_everybody_can_read_the_file(write: Write) -> None:
    """It belongs into password_file."""
    file = write('redis.url = "redis://:hunter2@localhost"')
    file.chmod(0o644)
    (problem,) = examine(file)[1]
    assert (problem.key, problem.severity) == ("redis.url", Severity.WARNING)
    file.chmod(0o640)
    assert examine(file)[1] == ()


def test_a_policy_that_everybody_may_change_is_refused(tmp_path: Path) -> None:
    """What is simulated with it would be somebody else's."""
    file = tmp_path / "policy.toml"
    file.touch()
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        proposal(file, None)
    file.chmod(0o664)
    assert proposal(file, None).cadence_days == 7


@pytest.mark.parametrize("key", ["tokens_file", "users_file"])
def test_a_token_file_that_everybody_may_read_stops_the_web_application_alone(
    write: Write, tmp_path: Path, key: str
) -> None:
    """Mail is taken in whatever is wrong with the files of `bounced web`; the file of users is one of them."""
    (tmp_path / "kept.toml").touch(mode=0o644)
    (tmp_path / "kept.toml").chmod(0o644)
    source = read_configuration(write(RUNNING + f'[web.private]\n{key} = "kept.toml"\n'))
    assert load_to_run(source).lists
    with pytest.raises(ConfigError, match=rf"web\.private\.{key} must not be readable by everybody"):
        load_for_web(source, ("private",))


def test_a_folder_in_which_everybody_may_write_a_link_stops_the_web_application(write: Write, tmp_path: Path) -> None:
    """Whoever writes into it signs in."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o1777)
    source = read_configuration(write(RUNNING + '[web.private]\nlogin_folder = "run"\n'))
    with pytest.raises(ConfigError, match=r"web\.private\.login_folder must not be writable by everybody: chmod o-w"):
        load_for_web(source, ("private",))
