"""The files of tokens and users are read again when they have changed, without a signal."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bounced.web.access import Access
from bounced.web.people.user_file import save_users
from bounced.web.people.users import Users, new_user
from bounced.web.token_file import save_tokens
from bounced.web.tokens import Right, Tokens, new_token

from .conftest import Site, Start

ALICE = new_user("alice", "correct horse battery", datetime.now(UTC))


async def may_ask(site: Site, token: str) -> bool:
    """Whether a token is known."""
    return (await site.post(token, "check", {"addresses": []})).status_code == 200


def tokens_file(site: Site) -> Path:
    """Return the file of the tokens."""
    return site.file.parent / "tokens.toml"


async def test_a_changed_file_is_read_when_two_looks_have_found_the_same(site: Site) -> None:
    """Whoever writes it in place may be in the middle at the first.  A file that is not there has nobody."""
    secret, made = new_token("crm", ["main"], [Right.CHECK], now=datetime.now(UTC))
    access = Access(site.desk)
    save_tokens(tokens_file(site), Tokens([made]))
    await access.look()
    await access.look()
    assert await may_ask(site, secret)
    tokens_file(site).unlink()
    await access.look()
    await access.look()
    assert not await may_ask(site, secret)


async def test_a_file_in_the_middle_of_being_written_is_waited_for(site: Site) -> None:
    """An empty file is a good one without tokens, so it must not be read too early."""
    token = await site.token(Right.CHECK)
    text = tokens_file(site).read_text("utf-8")
    access = Access(site.desk)
    await access.look()
    tokens_file(site).write_text("", "utf-8")
    await access.look()
    tokens_file(site).write_text(text, "utf-8")
    await access.look()
    assert await may_ask(site, token)


@pytest.mark.parametrize("name", ["tokens.toml", "users.toml"])
async def test_a_broken_file_changes_nothing_and_is_logged_once(start: Start, name: str) -> None:
    """When it is good again it is read; the other file is read in any case."""
    async with start(private='users_file = "users.toml"') as site:
        token, folder = await site.token(Right.CHECK), site.file.parent
        save_users(folder / "users.toml", Users([ALICE]))
        await site.reload()
        access = Access(site.desk)
        (folder / name).write_text("[nonsense]\n", "utf-8")
        with capture_logs() as lines:
            for _ in range(4):
                await access.look()
        assert [line["errors"] for line in lines] == [[f"{folder}/{name}: nonsense must be a known key"]]
        assert await may_ask(site, token)
        assert site.desk.present.users.get("alice") == ALICE
        save_tokens(folder / "tokens.toml", Tokens())
        await access.look()
        await access.look()
        assert not await may_ask(site, token)


async def test_a_file_that_may_be_read_again_is(site: Site) -> None:
    """Its rights are among what is looked at."""
    secret, made = new_token("crm", ["main"], [Right.CHECK], now=datetime.now(UTC))
    access, file = Access(site.desk), tokens_file(site)
    file.mkdir()  # which nobody can read as a file, not even root
    await access.look()
    with capture_logs() as lines:
        await access.look()
    assert [line["event"] for line in lines] == ["reload.failed"]
    file.rmdir()
    save_tokens(file, Tokens([made]))
    file.chmod(0o640)
    await access.look()
    await access.look()
    assert await may_ask(site, secret)
