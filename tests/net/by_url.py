"""What anybody can do who has the URL of a value, and nothing else."""

import http.client
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit


def send(url: str, method: str, body: bytes = b"", **headers: str) -> Any:
    """Send a request to a URL; return the status, the body and the headers."""
    place = urlsplit(url)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(place.netloc, timeout=10)
    with closing(connection):
        connection.request(method, f"{place.path}?{place.query}", body, names)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
