"""What was found out, and the report that it makes."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Status = Literal["ok", "warning", "failed", "skipped"]

OK: Final = "ok"
WARNING: Final = "warning"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "url": "The URL is one: its scheme, options and wrappers are known.",
        "extra": "The packages that the store needs are installed.",
        "resolve": "The name of the server has an address.",
        "connect": "The server takes connections.",
        "tls": "The server proves who it is, and for how long it still can.",
        "answer": "The server answers in the language that the URL expects.",
        "clock": "The clock here and the clock there agree.",
        "credentials": "The server knows the user or key, and accepts the secret.",
        "bucket": "The bucket, container or database is there.",
        "folder": "The folder is there, and this user may use it.",
        "nodes": "Every server of a cluster, or behind sentinels, takes connections.",
        "list": "Keys may be listed.",
        "write": "Values may be written.",
        "read": "Values may be read.",
        "delete": "Values may be deleted.",
        "conditional": "Of two writers with the same condition exactly one wins.",
        "ttl": "Values expire, by the store itself or by the wrapper ttl.",
        "latency": "How long a small call takes.",
        "space": "There is room for more.",
        "eviction": "Redis does not throw values away to make room.",
        "fsync": "What was stored survives a power cut.",
        "foreign-names": "All that is there has a name that a key can have.",
        "capabilities": "What the store can do.",
        "sessions": "Sessions can be kept there.",
        "uploads": "Uploads can be kept there.",
        "cache": "A cache can be kept there.",
    }
)
"""Every finding there may be, and what it means if it is ok."""


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        One of `NAMES`, for scripts.
    status : str
        ``ok``, ``warning``, ``failed`` or ``skipped``.
    text : str
        One sentence or two: what is so, and if something is wrong, its cause.
    cure : str
        What to type or whom to ask; empty where nothing is wrong.
    """

    name: str
    status: Status
    text: str
    cure: str = ""


_BY_WEIGHT: Final = (SKIPPED, OK, WARNING, FAILED)


def merged(found: list[Finding]) -> Finding:
    """Make one finding of those of several servers: the worst, and all that say so."""
    worst = max(found, key=lambda one: _BY_WEIGHT.index(one.status))
    same = [one.text for one in found if one.status == worst.status]
    return worst._replace(text=" ".join(dict.fromkeys(same)))


class Report(NamedTuple):
    """All that was found out about one store.

    Attributes
    ----------
    store : str
        The URL, without its secrets; or what was checked, in other words.
    findings : tuple of Finding
        In the order in which one depends on the other.
    secs : float
        How long it took, in seconds.
    """

    store: str
    findings: tuple[Finding, ...]
    secs: float

    @property
    def ok(self) -> bool:
        """Whether nothing failed; there may be warnings."""
        return all(finding.status != FAILED for finding in self.findings)

    def find(self, name: str) -> Finding | None:
        """Return the finding of a name, if it was looked at.

        Parameters
        ----------
        name : str
            One of `NAMES`.
        """
        return next((found for found in self.findings if found.name == name), None)

    def count(self, status: Status) -> int:
        """Return how many findings have a status.

        Parameters
        ----------
        status : str
            ``ok``, ``warning``, ``failed`` or ``skipped``.
        """
        return sum(finding.status == status for finding in self.findings)

    def to_json(self) -> str:
        """Return all of it as a JSON object, on one line."""
        return json.dumps(
            {
                "store": self.store,
                "ok": self.ok,
                "seconds": round(self.secs, 3),
                "findings": [finding._asdict() for finding in self.findings],
            },
            ensure_ascii=False,
        )
