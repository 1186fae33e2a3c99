"""Forms as browsers send them."""

from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
BOUNDARY: Final = "----minimalkvTestBoundary"

Sent = tuple[str, bytes]


def text(name: str, value: str) -> Sent:
    """Return a field of a form."""
    return f'form-data; name="{name}"', value.encode()


def file(name: str, filename: str, data: bytes) -> Sent:
    """Return a file of a form."""
    return f'form-data; name="{name}"; filename="{filename}"', data


def body_of(*parts: Sent) -> tuple[bytes, str]:
    """Return the body of a request, and its type."""
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: {head}\r\n\r\n".encode() + data + b"\r\n"
        for head, data in parts
    )
    return body + f"--{BOUNDARY}--\r\n".encode(), (
        f"multipart/form-data; boundary={BOUNDARY}"
    )
