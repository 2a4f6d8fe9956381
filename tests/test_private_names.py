"""What we use of libraries that they do not promise: each name is listed here, with the file that uses it.

A library may rename these in any release.  pyproject.toml has an upper bound for it, and this test fails in CI when the
bound is raised to a version without them.
"""

import ast
import asyncio
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from redis.asyncio.connection import AbstractConnection
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

import bounced

PACKAGE = Path(bounced.__file__).parent
LIBRARIES = frozenset(
    {"aiosmtpd", "asyncio", "click", "prometheus_client", "redis", "starlette", "structlog", "uvicorn"}
)

SHARED = {
    "edges/redis/by_address.py ByAddress": {"redis": {"_connection_arguments"}},
    "edges/smtp/engine.py Engine": {
        "aiosmtpd": {
            "_cb_client_connected",
            "_enforce_call_limit",
            "_handle_client",
            "_handler_coroutine",
            "_original_transport",
            "_proxy_timeout",
            "_reset_timeout",
            "_smtp_methods",
            "_tls_handshake_okay",
            "_tls_protocol",
            "_writer",
        },
        "asyncio": {"_client_connected_cb"},
    },
    "web/connection.py Connection": {"uvicorn": {"_start_asgi_task", "_unsupported_upgrade_warning"}},
}
"""The private names that a class of ours has in common with the library's class that it extends: used or overridden."""

RELIED_ON = {
    "send_packed_command": {"command", "check_health"},
    "read_response": set[str](),
    "can_read": set[str](),
    "disconnect": {"nowait"},
    "connect": set[str](),
    "send_command": set[str](),
}
"""Methods of redis-py's connection with their parameters, for edges/redis: named as if public, documented nowhere."""


OF_THE_CONNECTION = {
    "connection_made",
    "connection_lost",
    "data_received",
    "on_message_begin",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "pause_writing",
    "resume_writing",
    "send_400_response",
    "shutdown",
    "timeout_keep_alive_handler",
}
"""Methods of uvicorn's protocol that web/connection.py extends or calls: documented nowhere."""
SET_BY_THE_CONNECTION = {
    "cycle",
    "headers",
    "loop",
    "parser",
    "pipeline",
    "server_state",
    "timeout_keep_alive",
    "transport",
}
"""What it relies on beside them."""
SET_BY_THE_CYCLE = {"transport", "scope", "disconnected", "response_complete"}
"""What it relies on of uvicorn's object for one request and its answer."""


DOCUMENTED = {"_asdict", "_replace", "_fields"}
"""Of named tuples: they begin with an underscore so that no field can have their names, and are public."""
LEFT_OVER = b"HTTP/1.1 200 OK\r\n\r\n"
OF_HTTPCORE = {"_connection", "_h11_state"}
"""What deliver/sender.py asks of a connection: what came behind an answer is told nowhere else."""


def is_private(name: str) -> bool:
    """Return whether a name is private, and no magic one, nor the underscore alone."""
    return name.startswith("_") and not name.startswith("__") and name != "_"


def private_names(class_: type) -> set[str]:
    """Return the private names in the source of one class: of its members, and of what it asks of itself."""
    names = set()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(class_)))):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if is_private(name):
                names.add(name)
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name) if is_private(name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if is_private(name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()) if is_private(name):
                names.add(name)
    return names


def classes() -> Iterator[type]:
    """Yield every class of the package."""
    for module in pkgutil.walk_packages([str(PACKAGE)], "bounced."):
        if module.name != "bounced.__main__":
            for _, class_ in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if class_.__module__ == module.name:
                    yield class_


def shared_names() -> dict[str, dict[str, set[str]]]:
    """Return the private names that classes of ours share with a library's, by class and library."""
    found: dict[str, dict[str, set[str]]] = {}
    for class_ in classes():
        for base in class_.__mro__:
            library = base.__module__.partition(".")[0]
            if library in LIBRARIES and (names := private_names(class_) & private_names(base)):
                place = f"{Path(inspect.getfile(class_)).relative_to(PACKAGE)} {class_.__name__}"
                found.setdefault(place, {}).setdefault(library, set()).update(names)
    return found


def test_the_private_names_that_classes_share_with_a_library_are_listed() -> None:
    """One that is missing here is new, or meant for ourselves alone; one too many is gone from the library."""
    assert shared_names() == SHARED


def test_nobody_reaches_into_an_object_of_a_library() -> None:
    """A private name behind any other dot is one that we define ourselves."""
    trees = {file: ast.parse(file.read_text()) for file in PACKAGE.rglob("*.py")}
    ours = {
        node.attr if isinstance(node, ast.Attribute) else node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))
    }
    assert [
        f"{file.relative_to(PACKAGE)}:{node.lineno} {node.attr}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and node.attr not in ours | DOCUMENTED | OF_HTTPCORE
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    ] == []


async def test_a_connection_of_httpcore_has_what_came_behind_an_answer() -> None:
    """Two answers at once: the second one is what is left over."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n" + LEFT_OVER)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpcore.AsyncHTTPConnection(httpcore.Origin(b"http", b"127.0.0.1", port)) as connection:
        await connection.request("GET", f"http://127.0.0.1:{port}/")
        inner: Any = connection
        assert isinstance(inner._connection, httpcore.AsyncHTTP11Connection)
        assert inner._connection._h11_state.trailing_data == (LEFT_OVER, False)


@pytest.mark.parametrize("method", RELIED_ON)
def test_the_connection_of_redis_py_has_what_the_line_relies_on(method: str) -> None:
    """By name, with these parameters; all others have a default."""
    parameters = inspect.signature(getattr(AbstractConnection, method)).parameters
    assert RELIED_ON[method] <= parameters.keys()
    needed = {
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
    }
    assert needed - {"self", "kwargs"} <= RELIED_ON[method]


def test_the_connection_of_uvicorn_has_what_ours_relies_on() -> None:
    """Its methods, and the attributes that its constructor sets."""
    assert {name for name in OF_THE_CONNECTION if not callable(getattr(HttpToolsProtocol, name, None))} == set()
    made = inspect.getsource(HttpToolsProtocol.__init__)
    assert {name for name in SET_BY_THE_CONNECTION if f"self.{name}" not in made} == set()
    cycle = inspect.getsource(RequestResponseCycle)
    assert {name for name in SET_BY_THE_CYCLE if f"self.{name}" not in cycle} == set()
