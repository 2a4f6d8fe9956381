"""Dialogues as an RFC would print them, held with the real server; those marked so also with aiosmtpd's own.

``C:`` lines are sent, all that follow each other in one write; ``S:`` lines must come back; ``D:`` lines are what the
last message must hold.  Each line ends with CRLF; ``<CR>``, ``<LF>`` and ``<NUL>`` stand for octets.  ``C: (TLS)``
shakes hands, ``S: (end)`` is the end of the connection.  ``# door:`` names settings that are not the default.
"""

import asyncio
from dataclasses import dataclass, fields, replace
from itertools import groupby
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as StockEnvelope
from aiosmtpd.smtp import Session as StockSession

from bounced.edges.smtp import SessionSettings, Speech
from tests.support.door import HOSTNAME, Peer, loopback, open_door, self_signed

FOLDER = Path(__file__).parents[2] / "dialogs"
ALSO_STOCK = "# Also held with aiosmtpd's own session."


@dataclass(frozen=True)
class Dialogue:
    """One transcript: its lines as pairs of who and what."""

    name: str
    text: str

    def lines(self) -> list[tuple[str, str]]:
        """Return who says what."""
        return [(line[:1], line[3:]) for line in self.text.splitlines() if line[1:2] == ":"]

    def settings(self, tmp_path: Path) -> SessionSettings:
        """Return the settings that the transcript asks for."""
        settings = SessionSettings(HOSTNAME)
        for line in self.text.splitlines():
            if line.startswith("# door:"):
                for word in line.removeprefix("# door:").split():
                    settings = _changed(settings, word, tmp_path)
        return settings


DIALOGUES = [Dialogue(path.stem, path.read_text()) for path in sorted(FOLDER.glob("*.smtp"))]
STOCK_TOO = [dialogue for dialogue in DIALOGUES if ALSO_STOCK in dialogue.text]


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
async def test_dialogue_is_held_as_written(dialogue: Dialogue, tmp_path: Path) -> None:
    """Every reply comes word for word."""
    async with open_door(dialogue.settings(tmp_path)) as door:
        peer = await door.dial()
        for who, turn in groupby(dialogue.lines(), key=lambda line: line[0]):
            said = [what for _, what in turn]
            if who == "C":
                await _say(peer, said)
            elif who == "S":
                heard = [await _hear(peer) for _ in said]
                assert heard == said
            else:
                assert door.receiver.taken[-1].content == _octets(said)


@pytest.mark.parametrize("dialogue", STOCK_TOO, ids=lambda dialogue: dialogue.name)
async def test_dialogue_that_touches_no_override_is_held_by_aiosmtpd_too(dialogue: Dialogue) -> None:
    """Where no trap is closed, the codes of the replies are those of the base class."""
    loop = asyncio.get_running_loop()
    handler = _StockHandler()
    server = await loop.create_server(lambda: SMTP(handler, hostname=HOSTNAME, loop=loop), sock=loopback())
    peer = Peer(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    for who, turn in groupby(dialogue.lines(), key=lambda line: line[0]):
        said = [what for _, what in turn]
        if who == "C":
            await _say(peer, said)
        elif who == "S":
            codes = [line[:3] for line in said if line[3:4] != "-"]
            assert [(await peer.reply())[:3] or "(en" for _ in codes] == codes
        else:
            assert handler.content == _octets(said)
    await peer.close()
    server.close()


class _StockHandler:
    content: bytes | str | None = None

    async def handle_DATA(self, server: SMTP, session: StockSession, envelope: StockEnvelope) -> str:  # noqa: N802 - aiosmtpd's
        self.content = envelope.content
        return "250 OK"


async def _say(peer: Peer, said: list[str]) -> None:
    if said[0] == "(TLS)":
        await peer.shake_hands()
        del said[0]
    peer.send(_octets(said))


async def _hear(peer: Peer) -> str:
    line = (await peer._line()).decode()
    assert not line or line.endswith("\r\n")
    return line.removesuffix("\r\n") or "(end)"


def _octets(lines: list[str]) -> bytes:
    text = "".join(f"{line}\r\n" for line in lines)
    return text.replace("<CR>", "\r").replace("<LF>", "\n").replace("<NUL>", "\0").encode()


def _changed(settings: SessionSettings, word: str, tmp_path: Path) -> SessionSettings:
    name, _, value = word.partition("=")
    if name == "tls":
        return replace(settings, tls_context=self_signed(tmp_path))
    if name == "lmtp":
        return replace(settings, speech=Speech.LMTP)
    assert name in {field.name for field in fields(settings)}, word
    return replace(settings, **{name: int(value)})  # type: ignore[arg-type]  # the others are not set here
