"""Containerfile, compose.yaml and the configuration in the image agree with each other and with the rest."""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bounced.cli.root import COMMANDS, bounced
from bounced.config import load
from bounced.config.fields import TcpAddress

PROJECT = Path(__file__).parents[2]
CONFIGURATION = PROJECT / "config/container.toml"
PLACE = "/etc/bounced/bounced.toml"
OURS = ("key", "bounced", "web")
REGISTRY = "docker.io"
"""Podman has no registry that it looks in by itself."""
VARIABLE = re.compile(r"\$\{\w+:-([^}]*)\}")


def instructions() -> list[tuple[str, str]]:
    """Return what Containerfile says, instruction by instruction, in order."""
    text = re.sub(r"\\\n", " ", (PROJECT / "Containerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def said(word: str) -> list[str]:
    """Return what each instruction of a kind says."""
    return [rest for each, rest in instructions() if each == word]


def by_default(text: str) -> str:
    """Return a text of compose.yaml as it is where nothing is set outside."""
    return VARIABLE.sub(r"\1", text)


@pytest.fixture(scope="module")
def services() -> Mapping[str, dict[str, Any]]:
    """Return the services of compose.yaml by their names."""
    compose = yaml.safe_load((PROJECT / "compose.yaml").read_text("utf-8"))
    named: dict[str, dict[str, Any]] = compose["services"]
    assert set(compose["volumes"]) == {
        place.partition(":")[0] for each in named.values() for place in each["volumes"] if not place.startswith("$")
    }
    return named


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the configuration of the image with its folders moved to where a test may write."""
    root = tmp_path_factory.mktemp("image")
    file = root / "bounced.toml"
    file.write_text(CONFIGURATION.read_text("utf-8").replace("/var/lib/", f"{root}/"))
    return file


def test_every_file_that_is_copied_is_there() -> None:
    """And none of them is kept out of what the build sees."""
    ignored = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    copied = [shlex.split(line)[:-1] for line in said("COPY") if "--from" not in line]
    assert copied
    for source in (PROJECT / name for names in copied for name in names):
        assert source.exists()
        assert not any(fnmatch(str(source.relative_to(PROJECT)), each.strip("/")) for each in ignored)


def test_what_git_ignores_is_left_out_of_the_build_and_nothing_else() -> None:
    """Where a file that git keeps is missing, git calls the checkout changed, and the version says so."""
    ignored = {line.strip("/") for line in (PROJECT / ".gitignore").read_text().splitlines()}
    left_out = {
        line.removeprefix("**/").strip("/")
        for line in (PROJECT / ".dockerignore").read_text().splitlines()
        if not line.startswith("#")
    }
    assert ignored <= left_out
    assert left_out <= {*ignored, "site"}


def test_every_image_is_named_in_full_with_a_version(services: Mapping[str, dict[str, Any]]) -> None:
    """No engine has to guess the registry, and a build next year takes the same Python."""
    images = [line.partition(" AS ")[0] for line in said("FROM")] + [services["valkey"]["image"]]
    for image in images:
        assert re.fullmatch(rf"{REGISTRY}/[\w/]+:\d+\.\d+[\w.-]*", image), image
    assert {service["image"] for name, service in services.items() if name != "valkey"} == {"localhost/bounced"}


def test_both_stages_have_the_same_python() -> None:
    """The environment is copied from one into the other, and links to the interpreter."""
    builder, runtime = (line.partition(" AS ")[0].rpartition(":")[2] for line in said("FROM"))
    assert runtime.replace("-slim", "") == builder
    required = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert tuple(map(int, builder.partition("-")[0].split("."))) >= tuple(map(int, required.strip(">=").split(".")))


def test_no_shell_stands_between_the_engine_and_the_program() -> None:
    """It would keep SIGTERM to itself."""
    for words in (*said("RUN"), *said("ENTRYPOINT"), *said("CMD"), said("HEALTHCHECK")[0].partition("CMD ")[2]):
        assert isinstance(json.loads(words), list)
    assert json.loads(said("ENTRYPOINT")[0]) == ["/opt/bounced/bin/bounced"]
    assert said("STOPSIGNAL") == ["SIGTERM"]


def test_the_extras_are_those_of_the_project() -> None:
    """All that a program in a container may need; the server is one of its own."""
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', (PROJECT / "Containerfile").read_text())
    known = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras.split(",")) == set(known) - {"classify", "dev", "embedded"}


def test_the_last_user_is_a_number_and_owns_what_is_written() -> None:
    """Kubernetes looks at the number for runAsNonRoot; a new volume takes owner and mode of the folder."""
    (user,) = said("USER")
    assert instructions().index(("USER", user)) > max(
        position for position, (word, _) in enumerate(instructions()) if word in ("RUN", "COPY")
    )
    (made,) = [json.loads(words) for words in said("RUN") if "install" in json.loads(words)[0]]
    owner, group = user.split(":")
    assert owner.isdigit()
    assert int(owner) > 0
    assert {f"--owner={owner}", f"--group={group}", "--mode=0700"} <= set(made)


@pytest.mark.parametrize("name", [*OURS, "valkey"])
def test_no_service_may_do_more_than_it_must(services: Mapping[str, dict[str, Any]], name: str) -> None:
    """Read-only root, no capability, none to be had, no root."""
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)
    assert (name in OURS and "user" not in service) or not service["user"].startswith("0")


def test_every_service_that_stays_has_a_health_check_and_time_to_stop(
    services: Mapping[str, dict[str, Any]],
) -> None:
    """More than the ten seconds that the daemon takes at most."""
    for name in ("valkey", "bounced", "web"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > 10
        assert services[name]["restart"] == "unless-stopped"
    image = json.loads(said("HEALTHCHECK")[0].partition("CMD ")[2])
    assert services["bounced"]["healthcheck"]["test"] == ["CMD", *image]


def test_the_daemon_waits_for_its_key_and_its_server(services: Mapping[str, dict[str, Any]]) -> None:
    """So do the pages."""
    for name in ("bounced", "web"):
        assert services[name]["depends_on"] == {
            "key": {"condition": "service_completed_successfully"},
            "valkey": {"condition": "service_healthy"},
        }


def test_valkey_is_set_as_the_installation_asks(services: Mapping[str, dict[str, Any]]) -> None:
    """Every setting of the table in docs/install.md."""
    words = services["valkey"]["command"][1:]
    given = dict(zip((word.removeprefix("--") for word in words[::2]), words[1::2], strict=True))
    table = (PROJECT / "docs/install.md").read_text("utf-8")
    wanted = dict(re.findall(r"^\| `([a-z-]+) (\w+)` \|", table, re.MULTILINE))
    assert {"appendonly", "appendfsync", "maxmemory-policy"} <= set(wanted)
    assert wanted.items() <= given.items()


@pytest.mark.parametrize("arguments", [["run"], ["web", "--private"], ["return-path", "new-key", "FILE"]])
def test_what_the_services_run_are_commands(services: Mapping[str, dict[str, Any]], arguments: list[str]) -> None:
    """With options that exist."""
    ran = [service.get("command", ["run"]) for name, service in services.items() if name in OURS]
    assert any(words[: len(arguments) - 1] == arguments[:-1] for words in ran)
    for words in ran:
        assert words[0] in COMMANDS
        assert CliRunner().invoke(bounced, [*words, "--help"]).exit_code == 0


def test_ports_agree(services: Mapping[str, dict[str, Any]]) -> None:
    """What is published is what is listened on, and the link of `bounced web login` leads to the pages."""
    text = tomllib.loads(CONFIGURATION.read_text("utf-8"))
    listened = [text["smtp"]["listen"][0], text["http"]["listen"], text["web"]["private"]["listen"]]
    smtp, health, pages = (each.rpartition(":")[2] for each in listened)
    assert said("EXPOSE") == [f"{smtp} {health} {pages}"]
    assert all(each.startswith("0.0.0.0:") for each in listened)
    assert int(smtp) >= 1024  # an unprivileged user opens no other
    (door,) = services["bounced"]["ports"]
    assert by_default(door) == f"127.0.0.1:{smtp}:{smtp}"
    (page,) = services["web"]["ports"]
    assert page == f"127.0.0.1:{pages}:{pages}"
    assert text["web"]["private"]["base_url"] == f"http://localhost:{pages}"
    assert f":{health}/readyz" in str(services["bounced"]["healthcheck"])
    assert f":{pages}/readyz" in str(services["web"]["healthcheck"])


def test_folders_agree(services: Mapping[str, dict[str, Any]]) -> None:
    """What a service writes is on a volume, where the configuration says; the pages cannot write the daemon's."""
    text = tomllib.loads(CONFIGURATION.read_text("utf-8"))
    (made,) = [json.loads(words) for words in said("RUN") if "install" in json.loads(words)[0]]
    state, web = made[-2:]
    assert text["redis"]["data_dir"] == state
    key = text["lists"]["main"]["keys"][0]["file"]
    assert PurePosixPath(key).is_relative_to(state)
    assert services["key"]["command"][-1] == key
    private = text["web"]["private"]
    written = (private["login_folder"], private["users_file"], private["tokens_file"])
    assert all(PurePosixPath(each).is_relative_to(web) for each in written)
    mounted = {name: [by_default(each) for each in services[name]["volumes"]] for name in services}
    configuration = f"./{CONFIGURATION.relative_to(PROJECT)}:{PLACE}:ro,z"
    assert mounted["key"] == [f"state:{state}"]
    assert mounted["bounced"] == [f"state:{state}", configuration]
    assert mounted["web"] == [f"state:{state}:ro", f"web:{web}", configuration]
    assert mounted["valkey"] == ["valkey:/data"]


def test_the_copy_in_the_image_is_the_same_configuration() -> None:
    """Without compose.yaml it is there, too."""
    assert f"{CONFIGURATION.relative_to(PROJECT)} {PLACE}" in said("COPY")


def test_the_configuration_is_good_once_the_key_is_made(settings: Path) -> None:
    """By the very command that the service runs; before that, the file of the key is what is missing."""
    key = tomllib.loads(settings.read_text())["lists"]["main"]["keys"][0]["file"]
    check = ["check-config", "--quiet", "--config", str(settings)]
    before = CliRunner().invoke(bounced, check)
    assert before.exit_code == 2
    assert [line.split(" must")[0].rpartition(" ")[2] for line in before.stderr.splitlines()] == [
        "lists.main.keys[0].file"
    ]
    assert CliRunner().invoke(bounced, ["return-path", "new-key", "--if-missing", key]).exit_code == 0
    after = CliRunner().invoke(bounced, check)
    assert (after.exit_code, after.output) == (0, "")
    config = load(settings)
    assert config.redis.effective_durability == "fsync"
    assert config.web.private.listen == TcpAddress("0.0.0.0", 9027)


def test_the_example_is_a_bounce_that_suppresses() -> None:
    """What docs/container.md sends."""
    done = CliRunner().invoke(bounced, ["explain", str(PROJECT / "config/examples/bounce.eml"), "--json"])
    (recipient,) = json.loads(done.output)["recipients"]
    assert recipient["final_recipient"] == "alice@example.org"
    assert (recipient["category"], recipient["class"]) == ("mailbox_unknown", "hard")
