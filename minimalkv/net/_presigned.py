"""How long a signed URL is good for."""

import math
from typing import Final

from minimalkv._errors import InvalidArgument, Unsupported

EXPIRES_SECS: Final = 3600
"""How long it is, unless somebody says otherwise."""

LONGEST_EXPIRES_SECS: Final = 7 * 24 * 3600
"""Version 4 of the signatures of Amazon and Google goes no further."""


def whole_secs(expires: float, service: str) -> int:
    """Return how many seconds a URL is good for: signatures know whole ones only.

    Raises
    ------
    InvalidArgument
        If it is more than a week.
    """
    if expires > LONGEST_EXPIRES_SECS:
        raise InvalidArgument(
            f"expires is at most {LONGEST_EXPIRES_SECS} seconds (a week) on {service}, "
            f"not {expires!r}."
        )
    return math.ceil(expires)


def refuse_name(download_name: str | None) -> None:
    """Refuse what a URL to put something under cannot say.

    Raises
    ------
    Unsupported
        If there is a name.
    """
    if download_name is not None:
        raise Unsupported("download_name is about getting a value, not about a PUT.")
