"""What two stores have, side by side, on disk: listings are long and in no order."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from minimalkv._errors import StoreError
from minimalkv._meta import ObjectMeta

LARGE_BYTES: Final = 1024 * 1024
"""Values from this size on are copied first, and few of them at a time."""

PAGE_KEYS: Final = 500

_CACHE_KIB: Final = 4096
_TABLES: Final = ("source", "target")
_PAGE: Final = """
    SELECT s.key, s.size, s.md5, s.expires, t.size, t.md5, t.expires
    FROM source AS s LEFT JOIN target AS t USING (key)
    WHERE s.key > ? AND s.size >= ? AND s.size < ? ORDER BY s.key LIMIT ?
"""
_SURPLUS: Final = """
    SELECT t.key FROM target AS t LEFT JOIN source AS s USING (key)
    WHERE t.key > ? AND s.key IS NULL ORDER BY t.key LIMIT ?
"""


_EITHER: Final = """
    SELECT key FROM source WHERE key = ? UNION ALL SELECT key FROM target WHERE key = ?
"""
_BELOW: Final = "SELECT key FROM target WHERE key > ? AND key < ? LIMIT 1"


class Facts(NamedTuple):
    """What is known about a value: size, MD5 in hexadecimal, end in seconds of 1970."""

    size: int
    md5: str | None = None
    expires: float | None = None

    @classmethod
    def of(cls, meta: ObjectMeta) -> Self:
        """Take from an `ObjectMeta` what tells values apart on any store."""
        return cls(meta.size, meta.md5, _seconds(meta.expires))


class Listed(NamedTuple):
    """A value of the source, and what the target has under its key, if anything."""

    key: str
    source: Facts
    target: Facts | None


class Listings:
    """The listings of a source and a target in a database on disk.

    It has no name in the file system, so nothing is left behind by a kill. A million
    objects take about 200 MB below ``TMPDIR``, and a few MiB of memory. All methods can
    be called by several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # An empty name is a file that SQLite has deleted when it opens it.
        self._database = sqlite3.connect(
            "", isolation_level=None, check_same_thread=False
        )
        self._run("PRAGMA journal_mode = OFF")
        self._run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for table in _TABLES:
            self._run(
                f"CREATE TABLE {table} (key TEXT PRIMARY KEY, size INTEGER, md5 BLOB,"
                " expires REAL) WITHOUT ROWID"
            )

    def close(self) -> None:
        """Free the disk."""
        with self._lock:
            self._database.close()

    def _run(self, sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with self._lock, _disk_errors(), closing(self._database.cursor()) as cursor:
            return cursor.execute(sql, values).fetchall()

    def add(self, table: str, found: Iterable[ObjectMeta]) -> None:
        """Take what was listed, into ``source`` or ``target``; a key twice is one."""
        rows = [(m.key, m.size, _packed(m.md5), _seconds(m.expires)) for m in found]
        sql = f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)"  # noqa: S608 - ours
        with self._lock, _disk_errors(), closing(self._database.cursor()) as cursor:
            cursor.execute("BEGIN")
            cursor.executemany(sql, rows)
            cursor.execute("COMMIT")

    def forget(self, table: str, key: str) -> None:
        """Take a key back: the value has gone since it was listed."""
        self._run(f"DELETE FROM {table} WHERE key = ?", (key,))  # noqa: S608 - ours

    def totals(self) -> tuple[int, int]:
        """Return how many values the source has, and how many bytes."""
        found = self._run("SELECT count(*), coalesce(sum(size), 0) FROM source")
        objects, size = found[0]
        return int(objects), int(size)

    def __iter__(self) -> Iterator[Listed]:
        """Yield what the source has, large values first, each group in order."""
        for least, below in ((LARGE_BYTES, 2**63 - 1), (-1, LARGE_BYTES)):
            for row in self._paged(_PAGE, least, below):
                there = None if row[4] is None else _facts(*row[4:])
                yield Listed(row[0], _facts(*row[1:4]), there)

    def surplus(self) -> Iterator[list[str]]:
        """Yield the keys of the target that the source does not have, in pages."""
        page: list[str] = []
        for (key,) in self._paged(_SURPLUS):
            page.append(key)
            if len(page) == PAGE_KEYS:
                yield page
                page = []
        if page:
            yield page

    def _paged(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        last = ""
        while page := self._run(sql, (last, *values, PAGE_KEYS)):
            yield from page
            last = page[-1][0]

    def count_surplus(self) -> int:
        """Return how many keys the target has and the source has not."""
        sql = "SELECT count(*) FROM target WHERE key NOT IN (SELECT key FROM source)"
        return int(self._run(sql)[0][0])

    def conflict(self, key: str) -> str | None:
        """Return a key that cannot be beside this one where folders are no values.

        That is one of either side that is a folder of this key, or one of the target
        that has this key as a folder.
        """
        parts = key.split("/")
        for number in range(1, len(parts)):
            folder = "/".join(parts[:number])
            if self._run(_EITHER, (folder, folder)):
                return folder
        # In ASCII the zero is what follows the slash.
        below = self._run(_BELOW, (f"{key}/", f"{key}0"))
        return below[0][0] if below else None


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The listings cannot be kept in a temporary file: {error}. Let TMPDIR be "
            "a folder with 200 bytes of room for every object."
        ) from error


def _packed(md5: str | None) -> bytes | None:
    return None if md5 is None else bytes.fromhex(md5)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _facts(size: int, md5: bytes | None, expires: float | None) -> Facts:
    return Facts(size, None if md5 is None else md5.hex(), expires)
