"""What passes between the daemon and its workers, on its way over a socket pair."""

import json
import socket
from threading import Thread

from bounced.workers import text_from


def test_a_configuration_larger_than_a_socket_holds_reaches_the_worker() -> None:
    """It comes in many pieces."""
    parent, worker = socket.socketpair()
    text = "# a long story\n" * 100_000
    with parent, worker:
        telling = Thread(target=parent.sendall, args=(json.dumps(text).encode() + b"\n",))
        telling.start()
        assert text_from(worker) == text
        telling.join()


def test_a_worker_whose_parent_died_while_it_spoke_has_no_configuration() -> None:
    """Half of one is none."""
    parent, worker = socket.socketpair()
    with worker:
        with parent:
            parent.sendall(b'"[smtp]')
        assert text_from(worker) is None
