"""Whether a store can be used, and if not, what is wrong and what helps.

::

    report = check("s3://key:secret@s3.example.org/photos")
    if not report.ok:
        for finding in report.findings:
            print(finding.status, finding.name, finding.text, finding.cure)

``minimalkv check URL`` prints the same.
"""

import time

from minimalkv._checking.course import look_at, look_at_url
from minimalkv._checking.findings import NAMES, Finding, Report
from minimalkv._errors import InvalidArgument
from minimalkv._key_value_store import KeyValueStore
from minimalkv._masking import mask

__all__ = ["NAMES", "TIMEOUT_SECS", "Finding", "Report", "check"]

TIMEOUT_SECS = 10.0
"""How long a check takes at most, in seconds, unless it is told otherwise."""


def check(
    url_or_store: str | KeyValueStore,
    *,
    read_only: bool = False,
    timeout: float = TIMEOUT_SECS,
) -> Report:
    """Find out whether a store can be used, and the cause if it cannot.

    It looks from below, name, connection and TLS, to what may be done in the bucket,
    and stops where the rest means nothing. It can be run beside a live site: it writes
    only under keys of its own, which begin with ``mkv-check-`` and end at random, and
    removes what it wrote. It creates neither bucket nor folder. What is found has no
    secret in it.

    Parameters
    ----------
    url_or_store : str or KeyValueStore
        A URL, or a store, which is left as it is: a copy with the same settings is
        used, unless the store was made of a client.
    read_only : bool
        Whether to write nothing at all.
    timeout : float
        How long all of it may take, in seconds, more than 0. A quarter of it is the
        longest wait for one answer.

    Returns
    -------
    Report
        What was found. Nothing is raised for a store that is broken, nor for a URL.

    Raises
    ------
    InvalidArgument
        If *timeout* is no time.

    Examples
    --------
    >>> report = check("memory://")
    >>> report.ok
    True
    >>> report.find("conditional").text
    'Of two writers at once exactly one wins.'
    """
    if not 0 < timeout < float("inf"):
        raise InvalidArgument(f"timeout is more than 0 seconds, not {timeout!r}.")
    began = time.monotonic()
    if isinstance(url_or_store, str):
        name = mask(url_or_store)
        found = look_at_url(url_or_store, timeout, read_only=read_only)
    else:
        name = repr(url_or_store)
        found = look_at(url_or_store, timeout, read_only=read_only)
    return Report(name, tuple(found), time.monotonic() - began)
