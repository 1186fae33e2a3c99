"""The names of buckets and containers."""

import re
from typing import Final

from minimalkv._errors import InvalidArgument

# Every service has narrower rules of its own, which it explains itself.
_NAME: Final = re.compile(r"[A-Za-z0-9$._-]{1,222}")


def check_name(given: object, option: str, kind: str) -> str:
    """Refuse what can be no name, so that no secret that got there is shown as one.

    Parameters
    ----------
    given : object
        What the caller gave.
    option : str
        The parameter that it was given as.
    kind : str
        What it names, such as ``bucket``.

    Raises
    ------
    InvalidArgument
        If it is none; the message does not have it.
    """
    if isinstance(given, str) and _NAME.fullmatch(given):
        return given
    raise InvalidArgument(
        f"{option} is the name of a {kind}: letters, digits, dots, hyphens and "
        f"underscores, at most 222. What was given (a {type(given).__name__}) is none, "
        "and is not shown, since it may be a secret in the wrong place."
    )
