"""A file of the caller that becomes a value by being renamed, not copied."""

import os
import stat
from typing import Any, Final

from minimalkv._errors import MinimalkvError
from minimalkv._fs.drafts import Disk, Draft

_SOURCE: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def is_movable(filename: str) -> bool:
    """Tell whether a file is the caller's to give away.

    A symbolic link is not, and a file with other names is not: those would show the
    value, and whoever writes through them would change it.
    """
    found = os.lstat(filename)
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def move_in(disk: Disk, key: str, filename: str, conditions: dict[str, Any]) -> bool:
    """Rename a file to be the value of a key; False if it has to be copied.

    Raises
    ------
    KeyExists, PreconditionFailed, KeyConflict, StoreError
        If the value cannot be replaced; the file is where it was.
    """
    source_fd = os.open(filename, _SOURCE)
    try:
        draft = Draft(disk, key, **conditions)
        try:
            draft.adopt(source_fd, os.path.abspath(filename))
        finally:
            draft.discard()
    except MinimalkvError:
        raise
    except OSError:
        return False
    finally:
        os.close(source_fd)
    return True
