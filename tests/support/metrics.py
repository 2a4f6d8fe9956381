"""What a daemon tells Prometheus, read from its socket."""

import http.client
import socket
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.support.daemon import WAIT_S, Daemon

HTTP = '[http]\nlisten = "unix:FOLDER/http"\n'

Labels = frozenset[tuple[str, str]]
Sample = tuple[str, Labels]


def get(daemon: Daemon, path: str) -> tuple[int, str]:
    """Return status and text of what a daemon with HTTP answers."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(WAIT_S)
    connection.sock.connect(str(daemon.folder / "http"))
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def scrape(daemon: Daemon) -> dict[Sample, float]:
    """Return every value that a daemon exposes, by name and labels."""
    families = text_string_to_metric_families(get(daemon, "/metrics")[1])
    return {(each.name, labels_of(each.labels)): each.value for family in families for each in family.samples}


def labels_of(labels: Mapping[str, str]) -> Labels:
    """Return labels as something that can be compared."""
    return frozenset(labels.items())
