"""Where a set of uploads keeps its files, by the configuration of the application."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from flask import Flask

from minimalkv import InvalidArgument, InvalidKey, KeyValueStore
from minimalkv._direct import is_pending
from minimalkv._keys import is_reserved
from minimalkv._masking import plain_text
from minimalkv_flask._stores import stores_at
from minimalkv_flask._upload_types import checked_types

if TYPE_CHECKING:
    from minimalkv_flask.uploads import UploadSet

UPLOADS: Final = "uploads"
"""The alias of the store that sets use which name none."""

_SETS: Final = "minimalkv_uploads"
_AT: Final = "@"


class UploadConfiguration(NamedTuple):
    """What the configuration says about a set.

    Attributes
    ----------
    store : KeyValueStore
        Where its files are.
    place : str
        What names the store in a signed URL: the name of the set, ``@``, and the alias
        if it has one; empty if other processes could not find it by that. No URL of a
        store is ever shown.
    prefix : str
        What the keys of its files begin with.
    base_url : str or None
        Where a web server shows its files, with a slash at the end.
    allow, deny : tuple of str
        What it takes and refuses besides its own types.
    max_bytes : int or None
        The most bytes of one file.
    """

    store: KeyValueStore
    place: str
    prefix: str
    base_url: str | None
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    max_bytes: int | None

    @property
    def separator(self) -> str:
        """What stands between a folder and a name in this store."""
        return "/" if self.store.extended_keys else "-"

    def key(self, filename: str) -> str:
        """Return the key of a file of the set."""
        key = self.prefix + filename
        if self.is_file(key):
            return key
        raise InvalidKey(f"{filename[:60]!r} names no file of this set.")

    def is_file(self, key: str) -> bool:
        """Tell whether a key is one of a file: not ours, and not of half an upload."""
        return not (is_reserved(key) or is_pending(key, self.prefix))


def configuration_of(
    app: Flask, name: str, upload_set: "UploadSet | None" = None
) -> UploadConfiguration:
    """Return what the configuration says about a set of a name.

    Parameters
    ----------
    app : Flask
        The application.
    name : str
        The name of the set.
    upload_set : UploadSet or None
        The set itself, whose arguments count where the configuration says nothing;
        else the one that `configure_uploads` was given.

    Raises
    ------
    InvalidArgument
        If there is no store for it, or a setting is unusable.
    """
    upload_set = upload_set or sets_of(app).get(name)
    said = _Settings(app.config, name)
    named = _configured(said) or _given(app, upload_set) or _usual(said)
    store = stores_at(app).get(named.source)
    prefix = said.get("PREFIX", upload_set and upload_set.prefix)
    if prefix is None:
        prefix = (
            "" if named.is_folder else f"{name}{'/' if store.extended_keys else '-'}"
        )
    return UploadConfiguration(
        store,
        _place(app, name, named),
        prefix,
        _base_url(said, name),
        checked_types(said.get("ALLOW", ())),
        checked_types(said.get("DENY", ())),
        _max_bytes(said, upload_set),
    )


class _Settings:
    """What is said about one set, or about all of them."""

    def __init__(self, config: Mapping[str, Any], name: str) -> None:
        self._config = config
        self._name = name

    def get(self, word: str, default: Any = None) -> Any:
        found = self._config.get(f"UPLOADED_{self._name.upper()}_{word}")
        return default if found is None else found

    def default(self, word: str) -> Any:
        return self._config.get(f"UPLOADS_DEFAULT_{word}")

    def folder_of_all(self) -> str | None:
        folder = self.default("DEST")
        return folder and os.path.join(folder, self._name)  # noqa: PTH118 - a text stays one


class _Named(NamedTuple):
    """What names a store, and where that was said."""

    source: str | KeyValueStore
    is_folder: bool = False
    is_in_code: bool = False


def _configured(said: _Settings) -> _Named | None:
    named, folder = said.get("STORE"), said.get("DEST")
    if named is not None and folder is not None:
        raise InvalidArgument(
            "A set of uploads has a store or a folder: configure its UPLOADED_…_STORE "
            "or its UPLOADED_…_DEST, not both."
        )
    if folder is not None:
        return _Named(_folder_url(folder), is_folder=True)
    return None if named is None else _Named(named)


def _given(app: Flask, upload_set: "UploadSet | None") -> _Named | None:
    if upload_set is None:
        return None
    if upload_set.store is not None:
        return _Named(upload_set.store, is_in_code=True)
    folder = upload_set.default_dest(app) if upload_set.default_dest else None
    if not folder:
        return None
    return _Named(_folder_url(folder), is_folder=True, is_in_code=True)


def _usual(said: _Settings) -> _Named:
    named, folder = said.default("STORE"), said.folder_of_all()
    if named is None and folder is not None:
        return _Named(_folder_url(folder), is_folder=True)
    return _Named(UPLOADS if named is None else named)


def _place(app: Flask, name: str, named: _Named) -> str:
    alias = ""
    if not isinstance(named.source, KeyValueStore):
        text = plain_text(named.source)
        alias = "" if "://" in text else text
    if alias or not named.is_in_code or name in sets_of(app):
        return f"{name}{_AT}{alias}"
    return ""


def _folder_url(folder: str | os.PathLike[str]) -> str:
    # Flask-Uploads takes it from where the process stands, too.
    return f"hfs://{quote(os.path.abspath(folder))}"  # noqa: PTH100 - also ".."


def _base_url(said: _Settings, name: str) -> str | None:
    base: str | None = said.get("URL")
    if base is None and said.get("DEST") is None and said.get("STORE") is None:
        base = said.default("URL")
        base = base and f"{base.rstrip('/')}/{name}"
    return f"{base.rstrip('/')}/" if base else None


def _max_bytes(said: _Settings, upload_set: "UploadSet | None") -> int | None:
    usual = upload_set.max_bytes if upload_set else None
    if usual is None:
        usual = said.default("MAX_BYTES")
    found = said.get("MAX_BYTES", usual)
    if found is None or (isinstance(found, int) and found >= 0):
        return found
    raise InvalidArgument(f"MAX_BYTES of a set is a number of bytes, not {found!r}.")


def sets_of(app: Flask) -> "dict[str, UploadSet]":
    """Return the sets that `configure_uploads` was given, by their names."""
    sets: dict[str, UploadSet] = app.extensions.setdefault(_SETS, {})
    return sets


def names_of_sets(app: Flask) -> list[str]:
    """Return the names of the sets that are configured."""
    found = {key.split("_")[1].lower() for key in app.config if _is_of_a_set(key)}
    known = {name.lower(): name for name in sets_of(app)}
    return sorted(known.get(name, name) for name in found | known.keys())


def _is_of_a_set(key: str) -> bool:
    return key.startswith("UPLOADED_") and key.count("_") > 1


def store_at(app: Flask, place: str) -> KeyValueStore:
    """Return the store that a place in a signed URL names.

    Raises
    ------
    InvalidArgument
        If there is none.
    """
    name, _, alias = place.partition(_AT)
    if alias:
        return stores_at(app).get(alias)
    return configuration_of(app, name).store
