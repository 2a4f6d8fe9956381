"""What a bounce or a bare reply means, who said what, and what the policy of a list would do."""

import re

import httpx
import pytest
from redis.asyncio import Redis

from tests.support.browser import Watched
from tests.web.conftest import Site

from .test_overview import text_of

BOUNCE = b"""From: MAILER-DAEMON@mx.example.net
To: someone@bounce.example.com
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; bob@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: user unknown

--b--
"""
HOSTILE = "550 5.1.1 <script>document.title='owned'</script> \x1b[31m \u202euser unknown"


async def ask(alice: httpx.AsyncClient, file: bytes = b"", /, **fields: str) -> httpx.Response:
    """Send the form as a browser does."""
    form = re.findall(r'name="form" value="([^"]+)"', (await alice.get("/explain")).text)[0]
    data = {"form": form, "text": "", "list": "main"} | fields
    return await alice.post("/explain", data=data, files={"file": ("bounce.eml", file)})


async def test_a_message_is_told_with_statements_and_what_would_follow(alice: httpx.AsyncClient) -> None:
    """Each statement has its speaker, and the row that counted; the other list is asked by its own policy."""
    told = text_of(await ask(alice, BOUNCE, list="other"))
    for fact in (
        "It is: bounce, read as ",
        "reported by mx.example.net",
        "no return path of ours stands in it",
        "bob@example.org : mailbox unknown (hard, proven by ",
        "The address itself is bad.",
        "server&#39;s reply",
        "5.1.1 &lt;bob@example.org&gt;: user unknown",
        "→ mailbox_unknown : counts",
        "What the policy of list other would do The first one: the address becomes suppressed",
    ):
        assert fact in told


async def test_a_reply_is_told_from_what_is_known_beside_it(alice: httpx.AsyncClient) -> None:
    """It is known by its looks, stands in the form again, and one every day has consequences that are told."""
    page = await ask(alice, text="452 4.2.2 mailbox full", about="bob@example.org", stage="rcpt")
    told = text_of(page)
    assert "It is: a bare reply" in told
    assert "mailbox full (soft)" in told
    assert "The first one: the address becomes bouncing; counted, too few for a consequence." in told
    assert "One every day, on day " in told
    assert "452 4.2.2 mailbox full</textarea>" in page.text


async def test_what_may_be_of_a_person_is_said_so(alice: httpx.AsyncClient) -> None:
    """It touches no address."""
    told = text_of(await ask(alice, text="From: bob@example.org\nSubject: hello\n\nI am away.\n"))
    assert "it is no report, so it changes nothing" in told
    assert "It says nothing of any address." in told


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"text": " "}, 400, "Paste a message or a reply, or choose a file."),
        ({"text": "550 no", "about": "x"}, 400, '<div class="notice bad" role="alert">'),
        ({"text": "550 no", "form": "forged"}, 403, "This form is too old"),
    ],
)
async def test_a_wrong_form_is_answered_in_words(
    alice: httpx.AsyncClient, fields: dict[str, str], status: int, said: str
) -> None:
    """Nothing is read."""
    answer = await ask(alice, **fields)
    assert answer.status_code == status
    assert said in answer.text


async def test_one_person_has_so_many_read(alice: httpx.AsyncClient) -> None:
    """The next is told to wait; a body that is too large is not taken at all."""
    answers = [(await ask(alice, BOUNCE)).status_code for _ in range(12)]
    assert answers[0] == 200
    assert 429 in answers
    assert (await ask(alice, b"x" * (1 << 20))).status_code == 413


async def test_nothing_is_kept(site: Site, alice: httpx.AsyncClient, redis_url: str) -> None:
    """No key of Redis comes of it."""
    async with Redis.from_url(redis_url) as server:
        before = await server.dbsize()
        await ask(alice, BOUNCE)
        assert await server.dbsize() == before


async def test_a_dropped_file_is_explained_in_the_browser(browser: Watched) -> None:
    """Whatever stands in it is text and nothing else."""
    page = browser.page
    await browser.open("/explain")
    await page.evaluate(
        """(text) => {
          const given = new DataTransfer();
          given.items.add(new File([text], "bounce.txt"));
          const drop = new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
          document.querySelector("textarea").dispatchEvent(drop);
        }""",
        HOSTILE,
    )
    await page.wait_for_selector("text=What the policy of list main would do")
    told = await page.inner_text("main")
    assert "script>" in told
    assert not {"\x1b", "\u202e"} & set(told)
    assert "owned" not in await page.title()
    assert await browser.hangs_over() == 0
