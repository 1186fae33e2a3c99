"""What several tests of files need."""

import errno
from pathlib import Path
from typing import Any


def files_below(folder: Path) -> set[str]:
    """Names of all files, but the locks, relative to a folder."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and ";locks" not in path.parts
    }


def deny(*_args: object, **_options: object) -> Any:
    raise PermissionError(errno.EACCES, "Permission denied")
