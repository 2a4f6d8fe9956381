"""Ports for programs that cannot choose one of their own."""

import socket

_GIVEN: set[int] = set()


def free_port() -> int:
    """Return a port of the loopback address on which nobody listens now.

    None twice: who was given one may not listen yet, and a server with two ports would get one for both.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
