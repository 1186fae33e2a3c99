"""What was asked of a sync."""

from dataclasses import dataclass

from minimalkv._errors import InvalidArgument

_MOST_WORKERS = 128


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The arguments of `sync`, checked.

    Raises
    ------
    InvalidArgument
        If they contradict each other, or the number of workers is out of range.
    """

    prefix: str
    delete: bool
    dry_run: bool
    verify: bool
    missing_only: bool
    workers: int

    def __post_init__(self) -> None:
        if self.delete and self.missing_only:
            raise InvalidArgument(
                "delete and missing_only exclude each other: what only the target has "
                "is what a live site has stored since."
            )
        if not 1 <= self.workers <= _MOST_WORKERS:
            raise InvalidArgument(
                f"workers is from 1 to {_MOST_WORKERS}, not {self.workers!r}."
            )
