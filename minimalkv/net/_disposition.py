"""The header that names the file which a browser makes of an answer."""

from urllib.parse import quote


def attachment(name: str) -> str:
    """Write a filename as RFC 6266 has it: plain for the old, exact for the others."""
    kept = (c if c.isascii() and c.isprintable() else "_" for c in name)
    plain = "".join("_" if c in '"\\%' else c for c in kept)
    exact = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}"
