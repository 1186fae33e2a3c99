"""The static files of a site in a store, uploaded by ``collectstatic``.

::

    STORAGES = {
        "staticfiles": {
            "BACKEND": "minimalkv_django.staticfiles.KVManifestStaticFilesStorage",
            "OPTIONS": {"store": "hs3:///my-bucket"},
        },
        ...
    }
    STATIC_URL = "https://my-bucket.s3.amazonaws.com/static/"
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles.utils import check_settings
from django.core.files.storage import Storage

from minimalkv import KeyValueStore, Unsupported
from minimalkv._aliases import DEFAULT
from minimalkv_django._static_caller import find_caller
from minimalkv_django._static_contents import AnyFile
from minimalkv_django._static_manifest import LateManifestMixin
from minimalkv_django._static_place import Place
from minimalkv_django._static_run import Run
from minimalkv_django._storage_names import normalize
from minimalkv_django.storage import KVStorage
from minimalkv_django.stores import stores

__all__ = ["KVManifestStaticFilesStorage", "KVStaticFilesStorage"]

CACHE_CONTROL: Final = "public, max-age=60"
"""For names whose content may change; WhiteNoise has 60 seconds, too."""

HASHED_CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
"""For names with a hash of the content: a year, the most that RFC 2616 knew."""

_ROOM: Final = "staticfiles"

Paths = Mapping[str, tuple[Storage, str]]


class KVStaticFilesStorage(KVStorage):
    """The static files of a site in a store, as ``collectstatic`` finds them.

    What is in the store is listed once; a file is uploaded where its size or MD5 is
    another one there, whatever the times say, and several files at once. Where a
    listing has no MD5, as on a filesystem and Redis and for objects on S3 that are
    larger than 8 MiB, a stored value of the same size is read. On S3 with keys of KMS,
    where it has one that is none, files are uploaded each time.

    Parameters
    ----------
    store : str, KeyValueStore or None
        An alias or a URL. None means the alias ``staticfiles``, else ``default``.
    location : str
        The folder in the store, whose files ``collectstatic --clear`` deletes.
    base_url : str or None
        Where visitors get the files of the location. None means ``STATIC_URL``.
    cache_control : str or None
        The header of the files, if the store keeps headers; None for none. A file that
        is there already gets another one when its content changes, or by ``--clear``.
    hashed_cache_control : str or None
        The same for files with a hash in their names. A ``Cache-Control`` among the
        *object_parameters* is used for all, instead of either.
    **options
        As for `KVStorage`, except for *allow_overwrite*.

    Raises
    ------
    ImproperlyConfigured
        If there is no ``STATIC_URL``, or it is the one of the uploads, too.

    Examples
    --------
    >>> KVStaticFilesStorage("hs3:///my-bucket", base_url="https://cdn.example.com/")
    <KVStaticFilesStorage store='hs3:///my-bucket', location='static'>
    """

    def __init__(
        self,
        store: str | KeyValueStore | None = None,
        location: str = "static",
        base_url: str | None = None,
        *,
        cache_control: str | None = CACHE_CONTROL,
        hashed_cache_control: str | None = HASHED_CACHE_CONTROL,
        **options: Any,
    ) -> None:
        if store is None:
            store = _ROOM if _ROOM in stores else DEFAULT
        if base_url is None and options.get("custom_domain") is None:
            base_url = settings.STATIC_URL
            check_settings(base_url)
        options = {"querystring_auth": False, **options}
        super().__init__(store, location, base_url, allow_overwrite=True, **options)
        self.cache_control = cache_control
        self.hashed_cache_control = hashed_cache_control

    def _begin(self) -> None:
        super()._begin()
        self._run: Run | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_run"}

    # Who asks.

    def _running(self) -> Run | None:
        """Return the run of collectstatic that this call is part of, if it is."""
        if self._run is not None and self._run.is_processing_here:
            return self._run
        caller = find_caller()
        if caller is None or not caller.uses(self):
            return None
        if self._run is None or not self._run.is_of(caller):
            self._run = Run(self._place(), caller)
        self._run.turn_to(caller.source)
        return self._run

    @contextmanager
    def _processing(self, paths: Paths) -> Iterator[Run]:
        """Keep a run until its end, which is the end of this block."""
        run = self._running() or Run(self._place(), None)
        run.begin_processing(paths)
        self._run = run
        try:
            yield run
            run.finish()
            run.tell()
        finally:
            self._run = None
            self._known.forget()
            run.close()

    def post_process(
        self, paths: Paths, dry_run: bool = False, **options: Any
    ) -> Iterable[tuple[str, str | None, Any]]:
        """Wait for the uploads; called by ``collectstatic`` when all files were found.

        Raises
        ------
        StoreError
            If a file could not be stored.
        """
        del options
        if not dry_run:
            with self._processing(paths):
                pass
        return ()

    def _place(self) -> Place:
        return Place(self.store, self.location, self.get_object_parameters)

    # What Django's storages do, during a run and else.

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file or folder."""
        run = self._running()
        return super().exists(name) if run is None else run.exists(normalize(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders and of the files in a folder."""
        run = self._running()
        if run is None:
            return super().listdir(path)
        return run.list_folder(normalize(path))

    def get_modified_time(self, name: str) -> datetime:
        """Return when a file was stored."""
        run = self._running()
        found = None if run is None else run.modified(normalize(name))
        return super().get_modified_time(name) if found is None else found

    def delete(self, name: str) -> None:
        """Delete a file."""
        run = self._running()
        if run is None:
            super().delete(name)
        else:
            run.delete(normalize(name))

    def _open(self, name: str, mode: str = "rb") -> AnyFile:
        run = self._running()
        found: AnyFile | None = None
        if run is not None and mode == "rb":
            found = run.open(normalize(name))
        elif run is not None:
            run.expect_another(normalize(name))
        return super()._open(name, mode) if found is None else found

    def _save(self, name: str, content: AnyFile) -> str:
        run = self._running()
        if run is None:
            return super()._save(name, content)
        name = normalize(name)
        run.save(name, content)
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name: what is there is replaced."""
        del max_length
        return normalize(name)

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return what a file is stored with, and with it how long it may be kept."""
        parameters = super().get_object_parameters(name)
        value = self._cache_control_of(name)
        if value is None:
            return parameters
        headers = {"Cache-Control": value, **parameters.get("headers", {})}
        return {**parameters, "headers": headers}

    def _cache_control_of(self, name: str) -> str | None:
        del name
        return self.cache_control

    # Where it is.

    def url(self, name: str | None) -> str:
        """Return the URL of a file, or of a folder if the name ends with a slash."""
        name = name or ""
        url = super().url(name.lstrip("/"))
        return f"{url}/" if name.endswith("/") and not url.endswith("/") else url

    def path(self, name: str) -> str:
        """Refuse, on every store: ``collectstatic --link`` would make links there.

        Raises
        ------
        Unsupported
            Always; it is a NotImplementedError.
        """
        raise Unsupported(f"{self!r} is no folder: {name!r} is to be got by open().")


class KVManifestStaticFilesStorage(LateManifestMixin, KVStaticFilesStorage):  # type: ignore[misc]  # url() is another one of Django's there, too
    """The same, with a hash of its content in the name of each file.

    It is Django's `ManifestStaticFilesStorage`, with all that may be set in a subclass,
    on a store. Both the files as they are and those with a hash are uploaded once, the
    manifest ``staticfiles.json`` last and in one step: whatever fails before, the site
    goes on with the old one. It is read when a page first needs it. Files of earlier
    runs stay, for pages that visitors have open; ``--clear`` deletes them.
    """

    def _facts(self) -> dict[str, Any]:
        return self._without_itself(super()._facts())

    def __getstate__(self) -> dict[str, Any]:
        return self._without_itself(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"manifest_storage": self, **state})

    def _without_itself(self, names: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in names.items() if value is not self}

    def _url(
        self,
        hashed_name_func: Callable[..., str],
        name: str,
        force: bool = False,
        hashed_files: dict[str, str] | None = None,
    ) -> str:
        # What is not ASCII is escaped in keys, so that the % itself has to be escaped.
        # Django takes one escaping off URLs, and one more off those in stylesheets.
        url: str = super()._url(  # type: ignore[misc]  # not in the stubs
            hashed_name_func, name, force, hashed_files
        )
        return url.replace("%", "%25" if hashed_files is None else "%2525")

    # What collectstatic does at its end.

    def post_process(  # type: ignore[override]  # the stubs know of no exceptions
        self, paths: Paths, dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, Any]]:
        """Make the files with a hash, and at last the manifest.

        Yields
        ------
        tuple
            The name of a file, the one with a hash or None, and whether it was stored
            or what went wrong.

        Raises
        ------
        StoreError
            If a file could not be stored; the manifest is the old one.
        """
        if not dry_run:
            with self._processing(paths) as run:
                for name, other, done in super().post_process(paths, **options):
                    if isinstance(done, Exception):
                        # The command raises it, and comes back here late or never.
                        run.wait()
                    yield name, other, done

    def save_manifest(self) -> None:
        """Store the manifest, once everything that it names is stored."""
        if self._run is not None:
            self._run.finish()
        # So that the same files make the same manifest, in whatever order found.
        self.hashed_files = dict(sorted(self.hashed_files.items()))
        super().save_manifest()

    def _cache_control_of(self, name: str) -> str | None:
        is_hashed = self._run is not None and self._run.is_processing_here
        if is_hashed and name != normalize(self.manifest_name):
            return self.hashed_cache_control
        return super()._cache_control_of(name)
