"""A server of recipients that a test writes: it answers as the recipient's name says, and keeps what it takes."""

import queue
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, NamedTuple


class Mail(NamedTuple):
    """What the server took, or refused when it had read it."""

    recipient: str
    content: bytes


class Session(socketserver.StreamRequestHandler):
    """Answers by the local part of the recipient, in ``replies``, and ``taken`` at the end of a message."""

    replies: ClassVar[Mapping[str, str]]
    taken: ClassVar[str]
    got: "queue.Queue[Mail]"

    def handle(self) -> None:
        """Answer commands."""
        self._say("220 mx.example.net")
        recipient = ""
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            match line[:4].upper():
                case "RCPT":
                    recipient = line.partition("<")[2].partition(">")[0]
                    self._say(self.replies.get(recipient.partition("@")[0], "250 ok"))
                case "MAIL":
                    self._say("553 5.7.1 not you" if "unwanted" in line else "250 ok")
                case "DATA":
                    self._say("354 go on")
                    content = b"".join(iter(self.rfile.readline, b".\r\n"))
                    self._say("554 5.6.0 not this" if recipient.startswith("content") else self.taken)
                    self.got.put(Mail(recipient, content))
                case "QUIT":
                    return
                case _:
                    self._say("250 mx.example.net")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


@contextmanager
def listening(replies: Mapping[str, str], taken: str = "250 2.0.0 Ok") -> Iterator[tuple[int, "queue.Queue[Mail]"]]:
    """Give a server's port, and what it gets."""
    got: queue.Queue[Mail] = queue.Queue()
    session = type("Session", (Session,), {"got": got, "replies": replies, "taken": taken})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), session) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], got
        server.shutdown()
        thread.join()
