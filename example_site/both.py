"""What the Flask side and the Django side have in common."""

from datetime import timedelta
from typing import Final

MOUNT: Final = "/django"
"""The path below which Django answers."""

IDLE_LIFETIME: Final = timedelta(days=14)
ABSOLUTE_LIFETIME: Final = timedelta(days=30)

PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Load nothing but ours, and keep no page after signing out."""

LONGEST_NAME: Final = 40
NAME_WANTED: Final = f"Please enter a name of 1 to {LONGEST_NAME} characters."


def as_name(text: str) -> str | None:
    """Return a name as it was meant, or None if it is none."""
    name = " ".join(text.split())
    return name if name.isprintable() and 0 < len(name) <= LONGEST_NAME else None
