"""One run of collectstatic: one listing, and uploads of what differs from it."""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from functools import cached_property
from threading import get_ident
from typing import Any, Final
from weakref import ref

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from minimalkv_django._static_caller import Caller, Source
from minimalkv_django._static_contents import (
    LARGEST_BYTES,
    AnyFile,
    Facts,
    Held,
    facts_of,
    facts_of_bytes,
    look_at,
)
from minimalkv_django._static_listing import Listing
from minimalkv_django._static_place import Place
from minimalkv_django._static_progress import Progress
from minimalkv_django._static_uploads import Uploads

_NOTHING: Final[Mapping[str, tuple[Storage, str]]] = {}


class Run:
    """What a storage does while collectstatic uses it.

    Whether a file is there, and how it is, is answered from one listing and from what
    was done since. What the command deletes in order to save it again is replaced in
    one step, so that visitors never miss it; and only if it differs.

    Parameters
    ----------
    place : Place
        Where the files go.
    caller : Caller or None
        The command; None where somebody else calls ``post_process``.
    """

    def __init__(self, place: Place, caller: Caller | None) -> None:
        command = None if caller is None else caller.command
        self._place = place
        self._command: Callable[[], Any] = (
            (lambda: None) if command is None else ref(command)
        )
        self._thread = get_ident()
        self._source: Source | None = None
        self._paths = _NOTHING
        # The last call of a run is `post_process`, unless the command leaves it out.
        self._has_end = bool(getattr(command, "post_process", command is None))
        self._uploads = Uploads()
        self._held = Held()
        self._doomed: list[str] = []
        self._progress = Progress(command)
        self.is_processing = False

    # Whose it is.

    def is_of(self, caller: Caller) -> bool:
        """Tell whether it is this command that the run belongs to."""
        return self._command() is caller.command

    @property
    def is_processing_here(self) -> bool:
        """Whether ``post_process`` is going on in this thread."""
        return self.is_processing and self._thread == get_ident()

    def turn_to(self, source: Source | None) -> None:
        """Note which file the command is about to copy; None where it is not copying.

        Then what was copied is waited for, so that an error is never too late.
        """
        self._source = source
        if source is None:
            self._uploads.finish()

    def begin_processing(self, paths: Mapping[str, tuple[Storage, str]]) -> None:
        """Note that all was copied, and where it is from."""
        self._paths = paths
        self._source = None
        self.is_processing = True

    @property
    def _is_waited_for(self) -> bool:
        """Whether a later call is sure to wait for what is uploaded now."""
        return self._has_end and (self.is_processing or self._source is not None)

    # What is there.

    @cached_property
    def _stored(self) -> dict[str, Facts]:
        """What the store has, or will have when the uploads are finished."""
        return dict(self._place.list_facts())

    @cached_property
    def _listing(self) -> Listing:
        """What the command shall see."""
        return Listing(self._stored)

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file or folder."""
        self._delete_doomed()
        return name in self._listing

    def list_folder(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders and files in a folder."""
        self._delete_doomed()
        return self._listing.list_folder(folder)

    def modified(self, name: str) -> datetime | None:
        """Return the time of the source of a file if the store has it as it is there.

        Returns
        -------
        datetime or None
            None where it is not known which source that would be.

        Raises
        ------
        NotImplementedError
            If the content is another. The command then copies it, whatever the times:
            those of sources are changed by a checkout, and reset by some builds.
        """
        if self._source is None:
            return None
        storage, path = self._source
        with storage.open(path) as content:
            if not (content.seekable() and self._is_stored(name, look_at(content)[0])):
                raise NotImplementedError(f"The content of {name!r} has changed.")
        modified = storage.get_modified_time(path)
        self._progress.count_unchanged()
        return modified

    def _is_stored(self, name: str, facts: Facts) -> bool:
        known = self._stored.get(name)
        if known is None or known.size != facts.size:
            return False
        if known.md5 is None:
            with closing(self._place.open(name)) as value:
                known = self._stored[name] = facts_of(value)
        return known == facts

    def open(self, name: str) -> "AnyFile | None":
        """Return a file from where it is at hand, or None if it has to be got."""
        if name in self._held:
            return ContentFile(self._held.get(name), name)
        if name in self._paths:
            storage, path = self._paths[name]
            return storage.open(path)
        self._uploads.finish()
        return None

    # What changes.

    def delete(self, name: str) -> None:
        """Delete a file, unless it is about to be replaced.

        What ``post_process`` deletes was made by it, and not uploaded yet; or it is
        of an earlier run, whose pages visitors may still look at.
        """
        if self._source is not None:
            return
        self._held.discard(name)
        self._listing.discard(name)
        if not self.is_processing:
            self._stored.pop(name, None)
            self._doomed.append(name)
            if not self._has_end:
                self._delete_doomed()

    def _delete_doomed(self) -> None:
        doomed, self._doomed = self._doomed, []
        if doomed:
            self._place.delete(doomed)

    def save(self, name: str, content: AnyFile) -> None:
        """Store a file, if the store has not just that; perhaps later."""
        self._delete_doomed()
        self._listing.add(name)
        if not content.seekable():
            self.expect_another(name)
            self._progress.count_upload(0)
            self._place.put_file(name, content)
            return
        facts, data = look_at(content)
        if self._is_stored(name, facts):
            if not self.is_processing:
                self._progress.count_unchanged()
        elif self.is_processing and isinstance(content, ContentFile):
            self._held.put(name, data or _read(content), facts)
        elif data is None:
            self._note_upload(name, facts)
            self._place.put_file(name, content)
        else:
            self._upload(name, data, facts)

    def expect_another(self, name: str) -> None:
        """Note that a file gets a content that is not looked at."""
        self._stored.pop(name, None)
        self._listing.add(name)

    def _note_upload(self, name: str, facts: Facts) -> None:
        self._stored[name] = facts
        self._progress.count_upload(facts.size)

    def _upload(self, name: str, data: bytes, facts: Facts) -> None:
        self._note_upload(name, facts)
        put = self._place.putter(name, data)
        if self._is_waited_for and len(data) <= LARGEST_BYTES:
            self._uploads.submit(put)
        else:
            put()

    # How it ends.

    def wait(self) -> None:
        """Wait for the uploads that are under way."""
        self._uploads.finish()

    def finish(self) -> None:
        """Wait until everything is in the store.

        Raises
        ------
        StoreError
            If something could not be stored.
        """
        self._delete_doomed()
        for name in self._held:
            data = self._held.get(name)
            self._upload(name, data, facts_of_bytes(data))
        self._held.clear()
        self._uploads.finish()

    def close(self) -> None:
        """Free what it holds; what is under way ends, and nothing else begins."""
        self.is_processing = False
        self._held.clear()
        self._uploads.close()

    def tell(self) -> None:
        """Tell the user what was done."""
        self._progress.finish()


def _read(content: AnyFile) -> bytes:
    data = content.read()
    return data.encode() if isinstance(data, str) else data
