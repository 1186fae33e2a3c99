"""What the Flask side and the Django side have in common."""

from datetime import timedelta
from typing import Final

from minimalkv import KeyValueStore, get_store_from_url

MOUNT: Final = "/django"
"""The path below which Django answers."""

IDLE_LIFETIME: Final = timedelta(days=14)
ABSOLUTE_LIFETIME: Final = timedelta(days=30)

LONGEST_NAME: Final = 40
NAME_WANTED: Final = f"Please enter a name of 1 to {LONGEST_NAME} characters."

_PAGE_POLICY: Final = (
    "default-src 'none'; img-src 'self'; media-src 'self'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'{}; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_EVERYWHERE: Final = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# A browser fits a picture that is opened alone to its window by a style of its own.
_FILE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

FILE_HEADERS: Final = {**_EVERYWHERE, "Content-Security-Policy": _FILE_POLICY}
"""For what is no page, unless it says otherwise itself."""


def page_headers(store_origin: str = "") -> dict[str, str]:
    """Return the headers of a page: load nothing but ours, keep none after signing out.

    Parameters
    ----------
    store_origin : str
        Where its script may send files besides, such as ``https://s3.example.org``.
    """
    policy = _PAGE_POLICY.format(f" {store_origin}" if store_origin else "")
    return {
        **_EVERYWHERE,
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
    }


def as_name(text: str) -> str | None:
    """Return a name as it was meant, or None if it is none."""
    name = " ".join(text.split())
    return name if name.isprintable() and 0 < len(name) <= LONGEST_NAME else None


def open_store(url: str) -> KeyValueStore:
    """Open a store whose keys have slashes, as the names of files have.

    The values are where the URL says, also if the scheme stands for plain keys.

    Raises
    ------
    InvalidURL, UnknownScheme, MissingExtra
        If the URL opens none.
    """
    store = get_store_from_url(url)
    return store if store.extended_keys else get_store_from_url(f"h{url}")
