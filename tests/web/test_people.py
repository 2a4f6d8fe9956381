"""How people sign in to the private listener, with real forms and cookies; and what nobody may do there."""

import asyncio
import hashlib
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bounced.web.people.door import PEER_TRIES, Door
from bounced.web.people.links import new_link
from bounced.web.people.sessions import MOST, MOST_OF_ONE, Sessions
from bounced.web.people.user_file import load_users, save_users
from bounced.web.people.users import User, Users, UsersInvalid, new_user, read_users
from bounced.web.token_file import load_tokens
from bounced.web.tokens import TokensInvalid

from .conftest import Site, Start, client_of

PASSWORD = "correct horse battery"
ALICE = new_user("alice", PASSWORD, datetime.now(UTC))
PRIVATE = 'users_file = "users.toml"\nlogin_folder = "run"\n'
PROXY = PRIVATE + 'user_header = "X-Forwarded-User"\n'
PAGES = ("/", "/sign-in", "/sign-in/style.css", "/sign-out", "/login/abc")


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """Return the file with Alice in it, beside the folder of the links."""
    (tmp_path / "run").mkdir(mode=0o755)
    file = tmp_path / "users.toml"
    save_users(file, Users([ALICE]))
    return file


@pytest.fixture
async def people(users: Path, start: Start) -> AsyncIterator[Site]:
    """Give the application, in which Alice may sign in."""
    async with start(private=PRIVATE) as site:
        yield site


def token_in(page: httpx.Response) -> str:
    """Return what the form of a page holds."""
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def sign_in(browser: httpx.AsyncClient, name: str = "alice", password: str = PASSWORD) -> httpx.Response:
    """Fill in the form as a browser does."""
    form = token_in(await browser.get("/sign-in"))
    return await browser.post("/sign-in", data={"form": form, "name": name, "password": password})


async def is_in(browser: httpx.AsyncClient, name: str = "alice") -> bool:
    """Whether the first page shows somebody as signed in."""
    page = await browser.get("/")
    return page.status_code == 200 and f"<strong>{name}</strong>" in page.text


async def test_a_name_and_its_password_sign_in_until_signed_out(people: Site) -> None:
    """The cookie is for this host, no script reads it, no other site sends it."""
    browser = people.private
    before = await browser.get("/")
    assert (before.status_code, before.headers["location"]) == (303, "/sign-in")
    done = await sign_in(browser)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    cookie = next(each for each in done.headers.get_list("set-cookie") if each.startswith("bounced="))
    assert cookie.partition("; ")[2] == "HttpOnly; Path=/; SameSite=strict"
    page = await browser.get("/")
    assert "<strong>alice</strong>" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-security-policy"].startswith("default-src 'self'; form-action 'self'")
    assert "<script>" not in page.text
    assert "style=" not in page.text
    kept = browser.cookies["bounced"]
    out = await browser.post("/sign-out", data={"form": token_in(page)})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    browser.cookies.set("bounced", kept)
    assert not await is_in(browser)


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(people: Site) -> None:
    """And the log has the name only where somebody has it: people type passwords there."""
    with capture_logs() as lines:
        wrong = await sign_in(people.private, "alice", PASSWORD + "!")
        unknown = await sign_in(people.private, PASSWORD, PASSWORD)
    blank = [re.sub(r'value="[^"]+"', "", answer.text) for answer in (wrong, unknown)]
    assert (wrong.status_code, blank[0]) == (unknown.status_code, blank[1])
    assert wrong.status_code == 403
    refused = [line["person"] for line in lines if line["event"] == "person.refused"]
    assert refused == ["alice", ""]
    assert PASSWORD not in str(lines)


def test_an_unknown_name_is_checked_like_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash of the same cost is made for either."""
    real, made = hashlib.scrypt, []

    def counting(*octets: Any, **cost: Any) -> bytes:
        made.append((cost["n"], cost["r"], cost["p"]))
        return real(*octets, **cost)

    monkeypatch.setattr(hashlib, "scrypt", counting)
    assert Users([ALICE]).find("alice", "wrong") is None
    assert Users([ALICE]).find("nobody", PASSWORD) is None
    assert Users([ALICE]).find("alice", PASSWORD) == ALICE
    assert len(made) == 3
    assert len(set(made)) == 1


async def test_a_form_that_is_not_ours_does_nothing(people: Site) -> None:
    """Neither signing in nor signing out: without the token, with somebody else's, sent by another site."""
    browser = people.private
    given = {"name": "alice", "password": PASSWORD}
    assert (await browser.post("/sign-in", data=given)).status_code == 403
    async with client_of(people.ports["private"]) as other:
        foreign = token_in(await other.get("/sign-in"))
    ours = token_in(await browser.get("/sign-in"))
    assert (await browser.post("/sign-in", data={**given, "form": foreign})).status_code == 403
    across = {"sec-fetch-site": "cross-site"}
    assert (await browser.post("/sign-in", data={**given, "form": ours}, headers=across)).status_code == 403
    await sign_in(browser)
    page = await browser.get("/")
    for data, headers in (({}, {}), ({"form": foreign}, {}), ({"form": token_in(page)}, across)):
        assert (await browser.post("/sign-out", data=data, headers=headers)).status_code == 403
    assert await is_in(browser)


async def test_a_form_is_small(people: Site) -> None:
    """A long body is not read."""
    await people.private.get("/sign-in")
    assert (await people.private.post("/sign-in", data={"form": "x" * 9000})).status_code == 413


async def test_over_https_only_a_cookie_of_this_host_counts(users: Path, start: Start) -> None:
    """Its name begins with __Host-, and a proxy says that it is HTTPS."""
    async with start(private=PRIVATE + 'proxies = ["127.0.0.1"]\n') as site:
        https = {"x-forwarded-proto": "https"}
        asked = await site.private.get("/sign-in", headers=https)
        assert asked.headers["set-cookie"].startswith("__Host-bounced-form=")
        cookie = asked.headers["set-cookie"].partition(";")[0]
        data = {"form": token_in(asked), "name": "alice", "password": PASSWORD}
        done = await site.private.post("/sign-in", data=data, headers={**https, "cookie": cookie})
        (session,) = (each for each in done.headers.get_list("set-cookie") if each.startswith("__Host-bounced="))
        assert "; Secure" in session
        value = session.partition(";")[0]
        assert (await site.private.get("/", headers={**https, "cookie": value})).status_code == 200
        plain = value.removeprefix("__Host-")
        assert (await site.private.get("/", headers={**https, "cookie": plain})).status_code == 303


async def test_another_password_ends_the_session(people: Site, users: Path) -> None:
    """Removing the user does too; whoever came by a link has no password and stays."""
    await sign_in(people.private)
    async with client_of(people.ports["private"]) as linked:
        await linked.get(f"/login/{new_link(users.parent / 'run', 'alice', datetime.now(UTC))}")
        save_users(users, Users([new_user("alice", PASSWORD + " staple", datetime.now(UTC))]))
        await people.reload()
        assert not await is_in(people.private)
        assert await is_in(linked)
    await sign_in(people.private, password=PASSWORD + " staple")
    assert await is_in(people.private)
    save_users(users, Users())
    await people.reload()
    assert not await is_in(people.private)


async def test_attempts_of_a_peer_are_limited(people: Site) -> None:
    """Even the right password is not tried then.  The answer says when to come again."""
    for _ in range(PEER_TRIES):
        await people.private.get("/login/nonsense")
    refused = await sign_in(people.private)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 16


async def test_attempts_for_a_name_are_limited_from_wherever(users: Path, start: Start) -> None:
    """Whether or not anybody has the name; others are not kept out."""
    async with start(private=PRIVATE + 'proxies = ["127.0.0.1"]\n') as site:
        while not site.desk.door.name_wait_s("alice"):
            pass
        site.private.headers["x-forwarded-for"] = "192.0.2.1"
        refused = await sign_in(site.private)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 31
        assert (await sign_in(site.private, "bob")).status_code == 403


async def test_so_many_passwords_wait_for_their_check_and_no_more() -> None:
    """One is checked after another, so that they take neither all processors nor the memory."""
    door = Door()
    try:
        asked = [asyncio.ensure_future(door.check(Users(), "a", "b")) for _ in range(22)]
        done = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        door.close()
    assert [str(each) for each in done].count("Too many sign in at once.") == 2


async def test_a_link_signs_in_once(people: Site, users: Path) -> None:
    """HEAD does not use it up.  The secret is in neither folder nor log."""
    folder = users.parent / "run"
    secret = new_link(folder, "operator", datetime.now(UTC))
    (file,) = folder.iterdir()
    assert secret not in file.name + file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640
    with capture_logs() as lines:
        await people.private.head(f"/login/{secret}")
        first = await people.private.get(f"/login/{secret}")
        async with client_of(people.ports["private"]) as other:
            second = await other.get(f"/login/{secret}")
            assert not await is_in(other, "operator")
    assert (first.status_code, second.status_code) == (200, 403)
    assert await is_in(people.private, "operator")
    assert secret not in str(lines)
    assert list(folder.iterdir()) == []


async def test_a_link_is_used_up_by_whoever_is_signed_in_already(people: Site, users: Path) -> None:
    """No log of a proxy keeps one that still works.  Shown again, it leads to the first page."""
    await sign_in(people.private)
    path = f"/login/{new_link(users.parent / 'run', 'operator', datetime.now(UTC))}"
    await people.private.get(path)
    assert await is_in(people.private, "operator")
    again = await people.private.get(path)
    assert (again.status_code, again.headers["location"]) == (303, "/")


async def test_of_many_who_follow_a_link_at_once_one_is_signed_in(people: Site, users: Path) -> None:
    """Whoever removes the file."""
    path = f"/login/{new_link(users.parent / 'run', 'operator', datetime.now(UTC))}"
    answers = await asyncio.gather(*(people.private.get(path) for _ in range(8)))
    assert sum("set-cookie" in each.headers and each.status_code == 200 for each in answers) == 1


@pytest.mark.parametrize("secret", ["x", "..%2Fusers.toml", "%00", "x" * 5000, "%ff"])
async def test_an_old_link_and_rubbish_sign_nobody_in(people: Site, users: Path, secret: str) -> None:
    """Ten minutes are over when they are over; the next link takes the file of an old one away."""
    folder, long_ago = users.parent / "run", datetime.now(UTC) - timedelta(minutes=10)
    old = new_link(folder, "operator", long_ago)
    new_link(folder, "operator", datetime.now(UTC))
    assert len(list(folder.iterdir())) == 1
    for each in (old, secret):
        assert (await people.private.get(f"/login/{each}")).status_code in (403, 404)
    assert not await is_in(people.private, "operator")


async def test_without_users_and_proxy_only_a_link_signs_in(start: Start, tmp_path: Path) -> None:
    """There is no form, and no password is tried."""
    (tmp_path / "run").mkdir()
    async with start(private=PRIVATE) as site:
        page = await site.private.get("/sign-in")
        assert "/sign-out" not in page.text
        assert "bounced web login" in page.text
        refused = await site.private.post("/sign-in", data={"name": "alice", "password": PASSWORD})
        assert refused.status_code == 403
        header = {"x-forwarded-user": "mallory", "x-remote-user": "mallory"}
        assert (await site.private.get("/", headers=header)).status_code == 303


async def test_a_listed_proxy_names_who_asks(users: Path, start: Start) -> None:
    """It needs no cookie.  Two names are none, and what is no name is none."""
    async with start(private=PROXY + 'proxies = ["127.0.0.1"]\n') as site:
        page = await site.private.get("/", headers={"X-Forwarded-User": "carol@example.org"})
        assert "<strong>carol@example.org</strong>" in page.text
        assert "/sign-out" not in page.text
        assert "set-cookie" not in page.headers
        for bad in (b"", b"a b", b"caf\xe9", b"x" * 300):
            assert (await site.private.get("/", headers={b"X-Forwarded-User": bad})).status_code == 303
        twice = [("X-Forwarded-User", "carol"), ("X-Forwarded-User", "mallory")]
        assert (await site.private.get("/", headers=twice)).status_code == 303
        hostile = await site.private.get("/", headers={"X-Forwarded-User": "<b>x</b>"})
        assert "&lt;b&gt;x" in hostile.text


async def test_nobody_else_names_who_asks(users: Path, start: Start) -> None:
    """A peer that is no proxy of ours may write what it likes."""
    async with start(private=PROXY + 'proxies = ["192.0.2.1"]\n') as site:
        assert (await site.private.get("/", headers={"X-Forwarded-User": "mallory"})).status_code == 303


async def test_the_api_takes_no_cookie_and_no_name_of_a_proxy(users: Path, start: Start) -> None:
    """Whoever is signed in needs a token there like everybody."""
    async with start(private=PROXY + 'proxies = ["127.0.0.1"]\n') as site:
        await sign_in(site.private)
        assert await is_in(site.private)
        header = {"X-Forwarded-User": "alice"}
        asked = await site.private.post("/api/v1/lists/main/check", json={"addresses": []}, headers=header)
        assert asked.status_code == 401
        assert "set-cookie" not in asked.headers
        public = await site.public.get("/u/x", headers={"cookie": f"bounced={site.private.cookies['bounced']}"})
        assert "set-cookie" not in public.headers


@pytest.mark.parametrize("path", PAGES)
async def test_the_public_listener_has_none_of_it(people: Site, path: str) -> None:
    """Neither pages nor doors."""
    for method in ("GET", "POST"):
        assert (await people.public.request(method, path)).status_code == 404


def test_a_session_ends_when_idle_and_when_old() -> None:
    """Its use keeps it from the one end and not from the other."""
    now = [0.0]
    sessions, nobody = Sessions(lambda: now[0]), Users()
    idle, busy = sessions.begin("a", "link"), sessions.begin("b", "link")
    for now[0] in (50.0, 100.0, 150.0, 199.0):
        assert sessions.find(busy, nobody, 100, 200)
    assert sessions.find(idle, nobody, 100, 200) is None
    now[0] = 200.0
    assert sessions.find(busy, nobody, 100, 200) is None
    assert len(sessions) == 0


def test_sessions_have_a_number() -> None:
    """One name cannot end the sessions of others."""
    sessions, nobody = Sessions(), Users()
    first = sessions.begin("a", "link")
    cookies = [sessions.begin("b", "link") for _ in range(MOST_OF_ONE + 5)]
    assert len(sessions) == MOST_OF_ONE + 1
    assert sessions.find(first, nobody, 100, 200)
    assert [bool(sessions.find(each, nobody, 100, 200)) for each in cookies] == [False] * 5 + [True] * MOST_OF_ONE
    for number in range(MOST + 5):
        sessions.begin(f"c{number}", "link")
    assert len(sessions) == MOST


def test_the_file_of_users_is_checked_as_a_whole(tmp_path: Path) -> None:
    """Everything that is wrong is said, a line each; nothing of a password is."""
    with pytest.raises(UsersInvalid) as caught:
        read_users('x = 1\n[users.a]\npassword = "plain words"\nz = 1\n[users."b c"]\npassword = "scrypt:1:8:1$$"\n')
    said = str(caught.value).splitlines()
    assert len(said) == 5
    assert "plain" not in str(caught.value)
    assert [each.name for each in read_users("")] == []
    file = tmp_path / "users.toml"
    save_users(file, Users([ALICE]))
    assert list(load_users(file)) == [ALICE]
    assert PASSWORD not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to any group")
@pytest.mark.parametrize(("load", "invalid"), [(load_tokens, TokensInvalid), (load_users, UsersInvalid)])
def test_a_file_of_somebody_else_is_named_with_what_to_do(
    tmp_path: Path, load: Callable[[Path], object], invalid: type[ValueError]
) -> None:
    """The application runs as a user of its own, who needs to read what root has written."""
    file = tmp_path / "secret.toml"
    file.touch(mode=0)
    with without_rights(), pytest.raises(invalid, match=f"{file}: Permission denied; .*chmod 640 {file}"):
        load(file)


@contextmanager
def without_rights() -> Iterator[None]:
    """Be nobody for a while, where we are root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_the_file_of_users_is_for_the_application_and_no_other_service(tmp_path: Path) -> None:
    """A new file gets the group of the application's folder, and keeps whatever group it has later."""
    file, run = tmp_path / "users.toml", tmp_path / "run"
    run.mkdir()
    os.chown(run, -1, 12345)
    save_users(file, Users([ALICE]), run)
    assert file.stat().st_gid == 12345
    os.chown(file, -1, 12346)
    save_users(file, Users(), run)
    assert file.stat().st_gid == 12346


@pytest.mark.parametrize(("name", "password"), [("", PASSWORD), ("a b", PASSWORD), ("a", "short"), ("a", "x" * 257)])
def test_a_bad_name_or_password_makes_no_user(name: str, password: str) -> None:
    """A password has at least twelve characters."""
    with pytest.raises(ValueError, match="has"):
        new_user(name, password, datetime.now(UTC))


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    """Keyboards of phones and desktops send other code points for one letter."""
    user: User = new_user("a", "cafe\u0301 au lait, s'il vous pla\u00eet", datetime.now(UTC))
    assert Users([user]).find("a", "caf\u00e9 au lait, s'il vous plai\u0302t") == user


def bounced(file: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run `bounced web ...` without a terminal."""
    command = [sys.executable, "-m", "bounced", "web", *words, "--config", str(file)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


async def test_the_commands_and_the_running_application_work_together(people: Site, users: Path) -> None:
    """A user is added by a pipe; the application knows it after a reload; the link comes on a terminal only."""
    added = await asyncio.to_thread(bounced, people.file, "user", "add", "bob", text="a long enough password\n")
    assert (added.returncode, added.stdout) == (0, "")
    await people.reload()
    assert (await sign_in(people.private, "bob", "a long enough password")).status_code == 303
    listed = await asyncio.to_thread(bounced, people.file, "user", "list")
    assert re.search(r"^bob\t", listed.stdout, re.MULTILINE)
    refused = await asyncio.to_thread(bounced, people.file, "login")
    assert (refused.returncode, refused.stdout) == (2, "")
    told = await asyncio.to_thread(on_a_terminal, people.file, "login", "--as", "carol")
    (path,) = re.findall(r"http://127.0.0.1:0(/login/\S+)", told)
    async with client_of(people.ports["private"]) as browser:
        await browser.get(path)
        assert await is_in(browser, "carol")


def test_users_are_changed_and_removed(users: Path, start: Start) -> None:
    """Another password, no user of the name, a password that is too short, a name that is there already."""
    start(private=PRIVATE)
    file = users.parent / "bounced.toml"
    assert bounced(file, "user", "password", "alice", text="another long password").returncode == 0
    assert load_users(users).find("alice", "another long password")
    assert bounced(file, "user", "password", "bob", text=PASSWORD).returncode == 1
    assert bounced(file, "user", "add", "bob", text="short").returncode == 2
    assert bounced(file, "user", "add", "alice", text=PASSWORD).returncode == 2
    assert bounced(file, "user", "remove", "alice").returncode == 0
    assert len(load_users(users)) == 0
    assert bounced(file, "user", "remove", "alice").returncode == 1


def on_a_terminal(file: Path, *words: str) -> str:
    """Return what `bounced web ...` prints on a terminal of its own."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    command = [sys.executable, "-m", "bounced", "web", *words, "--config", str(file)]
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(command, stdin=theirs, stdout=theirs, stderr=theirs, timeout=60, check=False)
        told = terminal.read(4096).decode()
        os.close(theirs)
    assert done.returncode == 0, told
    return told
