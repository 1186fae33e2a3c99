"""A storage as it is configured, before it does anything."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeGuard

from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import Storage
from django.core.signals import setting_changed
from django.utils.deconstruct import deconstructible

from minimalkv import KeyValueStore, StoreURL
from minimalkv._masking import plain_text
from minimalkv._put_checks import KEPT_HEADERS
from minimalkv_django._storage_listing import Known
from minimalkv_django._storage_names import key_of, normalize
from minimalkv_django.stores import stores

ROOM: Final = "uploads"
"""The alias of the store, where none is named."""

EXPIRES_SECS: Final = 3600

Parameters = Mapping[str, str]


@deconstructible
class _Deconstructible(Storage):
    """Remembers its arguments; the decorator replaces a `deconstruct` of the class."""


class ConfiguredStorage(_Deconstructible):
    """The options of `minimalkv_django.storage.KVStorage`, which describes them."""

    def __init__(
        self,
        store: str | KeyValueStore = ROOM,
        location: str = "",
        base_url: str | None = None,
        *,
        allow_overwrite: bool = False,
        querystring_auth: bool = True,
        querystring_expire: float = EXPIRES_SECS,
        custom_domain: str | None = None,
        object_parameters: Parameters | Callable[[str], Parameters] | None = None,
    ) -> None:
        # On the page for errors it is among the variables.
        self._source = StoreURL(store) if _is_url(store) else store
        self.location = _checked_location(location)
        self.base_url = base_url
        self.allow_overwrite = bool(allow_overwrite)
        self.querystring_auth = bool(querystring_auth)
        self.querystring_expire = _checked_secs(querystring_expire)
        self.custom_domain = custom_domain
        self.object_parameters = _checked_parameters(object_parameters)
        self._begin()

    def _begin(self) -> None:
        self._known = Known()
        setting_changed.connect(self._forget)

    def _forget(self, **_: Any) -> None:
        self._known.forget()

    @property
    def store(self) -> KeyValueStore:
        """The store, opened when it is asked for first in a process.

        Raises
        ------
        ImproperlyConfigured
            If there is no such alias, or the keys of the store have no slash.
        InvalidURL, UnknownScheme, MissingExtra
            If its URL opens no store.
        """
        store = self.find_store()
        self.check_store(store)
        return store

    def find_store(self) -> KeyValueStore:
        """Return the store, whatever it is; for the checks."""
        return stores.get(self._source)

    @staticmethod
    def check_store(store: KeyValueStore) -> None:
        """Refuse a store that cannot have the names of files.

        Raises
        ------
        ImproperlyConfigured
            If its keys have no slash.
        """
        if not store.extended_keys:
            raise ImproperlyConfigured(
                f"The names of files have slashes, and the keys of {store!r} have "
                "none. Put an 'h' before the scheme of its URL, as in hfs:// and "
                "hredis://."
            )

    def _key(self, name: str) -> str:
        return key_of(self.location, normalize(name))

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return what a file is stored with, for `put_file` of the store.

        Override it for what depends on the name.

        Parameters
        ----------
        name : str
            The name of the file, without the location.

        Returns
        -------
        dict
            Some of ``content_type`` (str) and ``headers`` (dict of str to str).
        """
        given = self.object_parameters
        found = given(name) if callable(given) else given
        headers = dict(_checked_parameters(found))
        content_type = headers.pop("content_type", None)
        options: dict[str, Any] = {}
        if content_type is not None:
            options["content_type"] = content_type
        if headers:
            options["headers"] = headers
        return options

    # What Django does with storages besides using them.

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return what a migration says about the storage of a field.

        Raises
        ------
        ImproperlyConfigured
            If it would say a URL, which may have a password, or an object.
        """
        path, args, options = super().deconstruct()  # type: ignore[misc]
        store = options.get("store", args[0] if args else ROOM)
        if not isinstance(store, str) or _is_url(store):
            raise ImproperlyConfigured(
                f"A migration is to name the store of a file field; {_shown(store)} is "
                "no name. Put it into MINIMALKV_STORES, and name its alias: "
                "KVStorage(store='photos'). Or give the field a function that returns "
                "the storage."
            )
        return path, args, options

    def __repr__(self) -> str:
        where = f", location={self.location!r}" if self.location else ""
        return f"<{type(self).__name__} store={_shown(self._source)}{where}>"

    def _facts(self) -> dict[str, Any]:
        """Return the options, those of a subclass included."""
        facts = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return {"store": self._source, **facts}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, ConfiguredStorage):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash((type(self), self.location, self.base_url))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_known"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # A store is not copied with it: that of memory would have the files twice.
        return copy.copy(self)


def _is_url(source: object) -> TypeGuard[str]:
    return isinstance(source, str) and "://" in plain_text(source)


def _shown(source: object) -> str:
    return repr(str(StoreURL(source)) if _is_url(source) else source)


def _checked_location(location: str) -> str:
    try:
        checked = normalize(str(location).lstrip("/"))
        key_of(checked, "")
    except SuspiciousFileOperation as error:
        raise ImproperlyConfigured(
            f"location is a folder such as 'media', not {location!r}: {error}"
        ) from error
    return checked


def _checked_secs(secs: float) -> float:
    if isinstance(secs, bool) or not isinstance(secs, int | float) or not secs > 0:
        raise ImproperlyConfigured(
            f"querystring_expire is a number of seconds above 0, not {secs!r}."
        )
    return secs


def _checked_parameters(given: Any) -> Any:
    if given is None or callable(given):
        return given or {}
    known = ("content_type", *KEPT_HEADERS)
    if not isinstance(given, Mapping) or not set(given) <= set(known):
        raise ImproperlyConfigured(
            f"object_parameters has some of {', '.join(known)}, as in "
            "{'Cache-Control': 'max-age=3600'}, or is a function of a name that "
            f"returns that; not {given!r}."
        )
    return given
