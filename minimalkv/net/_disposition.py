"""The header that names the file which a browser makes of an answer."""

from minimalkv._http.disposition import ATTACHMENT, content_disposition


def attachment(name: str) -> str:
    """Return the header that has a browser save what it gets, under a name."""
    return content_disposition(ATTACHMENT, name)
