"""Who asks the storage of the static files: collectstatic, or anybody else."""

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final, NamedTuple

from django.core.files.storage import Storage

_MODULE: Final = "django.contrib.staticfiles.management.commands.collectstatic"


class Source(NamedTuple):
    """Where collectstatic has a file from: a storage of a finder, and a path in it."""

    storage: Storage
    path: str


class Caller(NamedTuple):
    """The command that runs.

    Attributes
    ----------
    command : Command
        That of Django, or of a subclass.
    source : Source or None
        The file that it is about to copy; None where it does something else.
    """

    command: Any
    source: Source | None

    def uses(self, storage: Storage) -> bool:
        """Tell whether it is this storage that the command copies to."""
        used = self.command.storage
        return getattr(used, "_wrapped", used) is storage


def find_caller() -> Caller | None:
    """Return the collectstatic that called what calls this, if it did.

    Django tells a storage neither that the command begins, nor which file a name stands
    for, nor that nothing more will come. A command of our own would know all that, but
    only if ``INSTALLED_APPS`` has us in front of Django and no other package brings one
    too; so its frames are looked at. Where the command was never imported, as in the
    processes of a site, this costs a look into a dictionary.

    The thread has to be the one that collects: what several threads of a command do at
    once is not done for it in one run.
    """
    module = sys.modules.get(_MODULE)
    if module is None:
        return None
    found: Caller | None = None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    while frame is not None:
        command = _command_of(frame, module.Command)
        if command is not None:
            found = found or Caller(command, _source(frame.f_locals))
            if frame.f_code.co_name == "collect" and command is found.command:
                return found
        frame = frame.f_back
    return None


def _command_of(frame: FrameType, kind: type) -> Any:
    # The locals of a frame that cannot be the command's are not copied.
    if frame.f_code.co_varnames[:1] != ("self",):
        return None
    owner = frame.f_locals.get("self")
    # Not isinstance: to look at a lazy object of Django would wake it up.
    return owner if issubclass(type(owner), kind) else None


def _source(names: Mapping[str, Any]) -> Source | None:
    storage, path = names.get("source_storage"), names.get("path")
    if storage is None or not isinstance(path, str):
        return None
    return Source(storage, path)
