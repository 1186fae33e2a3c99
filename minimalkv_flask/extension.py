"""Flask extensions: stores and sessions from the configuration."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from flask import Flask, current_app

from minimalkv import InvalidArgument, KeyValueStore
from minimalkv._aliases import DEFAULT, SESSIONS, AliasedStores
from minimalkv.sessions import SessionManager
from minimalkv_flask._stores import STORES, stores_of
from minimalkv_flask._upload_blueprint import register_files
from minimalkv_flask.cli import kv
from minimalkv_flask.sessions import KVSessionInterface, LegacyReader

__all__ = ["KVSessionExtension", "MinimalKV"]


class MinimalKV:
    """Take stores and sessions from the configuration of an application.

    ``MINIMALKV_URL`` is the URL of the default store; without it, the variable
    ``FLASK_MINIMALKV_URL`` of the environment. ``MINIMALKV_STORES`` has stores by name:
    ``{"sessions": "redis://localhost", "uploads": "s3:///photos"}``. Values are URLs or
    store objects; what has no store of its own name takes the default one.

    Sessions are kept in ``SESSION_STORE``: a name, a URL or a store object, by default
    the store named ``sessions``. With False, Flask's own sessions stay. The settings
    ``SESSION_ABSOLUTE_LIFETIME``, ``SESSION_TOUCH_INTERVAL`` and ``SESSION_OUTAGE`` are
    those of `KVSessionInterface`. The command ``flask kv`` is added.

    Signed URLs of files, and direct uploads to stores that sign none, are served below
    ``MINIMALKV_FILES_URL_PREFIX``, by default ``/files``; with None they are not.

    ``MINIMALKV_OBSERVER`` is a function, or the dotted path of one, that is told of
    every call of these stores; see `minimalkv.observing.StoreCall`.

    All extensions and applications of a process share one store for each URL; stores in
    memory belong to the application and their name.

    Parameters
    ----------
    app : Flask, optional
        The application; else call `init_app`.
    absolute_lifetime, touch_interval, outage, legacy : optional
        As for `KVSessionInterface`; they win over the configuration.

    Raises
    ------
    InvalidArgument
        If no store is configured, or something in the configuration is unusable.
    InvalidURL, UnknownScheme, MissingExtra, Unsupported
        If the store for sessions cannot be opened, or cannot keep them.

    Examples
    --------
    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.config.update(SECRET_KEY="from elsewhere", MINIMALKV_URL="memory://")
    >>> kv = MinimalKV(app)
    >>> kv.store("uploads").put("hello", b"world")
    'hello'
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        absolute_lifetime: float | timedelta | None = None,
        touch_interval: float | timedelta | None = None,
        outage: str | None = None,
        legacy: Iterable[LegacyReader] = (),
    ) -> None:
        self._app = app
        self._options: dict[str, Any] = {
            "absolute_lifetime": absolute_lifetime,
            "touch_interval": touch_interval,
            "outage": outage,
            "legacy": tuple(legacy),
        }
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Do for an application what the constructor does; see there."""
        stores = stores_of(app)
        wanted = app.config.get("SESSION_STORE")
        if not stores and wanted is None:
            raise InvalidArgument(
                "No store is configured. Set MINIMALKV_URL, as in 'hfs://./data', in "
                "the configuration, or FLASK_MINIMALKV_URL in the environment."
            )
        stores.check_observer()
        app.extensions[STORES] = stores
        app.cli.add_command(kv)
        register_files(app)
        if wanted is None and SESSIONS in stores:
            wanted = SESSIONS
        if wanted:
            store = stores.get(wanted, short_lived=True)
            app.session_interface = KVSessionInterface(store, **self._options)

    def store(self, name: str = DEFAULT) -> KeyValueStore:
        """Return a store of the application.

        Parameters
        ----------
        name : str
            One of ``MINIMALKV_STORES``, ``"sessions"``, ``"uploads"`` or ``"cache"``,
            which may be the default store, or a URL.

        Returns
        -------
        KeyValueStore
            The same one at every call in this process.

        Raises
        ------
        InvalidArgument
            If nothing is known under the name.
        InvalidURL, UnknownScheme, MissingExtra, Unsupported
            If the URL opens no store.
        RuntimeError
            If neither an application was given to the constructor nor one is current.
        """
        stores: AliasedStores = self._current.extensions[STORES]
        return stores.get(name)

    @property
    def sessions(self) -> SessionManager:
        """What lists and ends the sessions of the application.

        ``kv.sessions.revoke(user=7)`` signs a user out everywhere.

        Raises
        ------
        InvalidArgument
            If the application keeps its sessions elsewhere.
        """
        interface = self._current.session_interface
        if not isinstance(interface, KVSessionInterface):
            raise InvalidArgument("This application keeps its sessions elsewhere.")
        return interface.manager(self._current)

    @property
    def _current(self) -> Flask:
        return self._app or current_app


class KVSessionExtension:
    """Keep the sessions of an application in a store; as Flask-KVSession is called.

    The store is ``app.kvsession_store``. Sessions that Flask-KVSession stored are read
    by `minimalkv_flask.legacy.FlaskKVSession`.

    Parameters
    ----------
    session_kvstore : KeyValueStore or str, optional
        The store, or the URL of one.
    app : Flask, optional
        The application; else call `init_app`.
    legacy : iterable of LegacyReader, optional
        As for `KVSessionInterface`.
    """

    def __init__(
        self,
        session_kvstore: KeyValueStore | str | None = None,
        app: Flask | None = None,
        *,
        legacy: Iterable[LegacyReader] = (),
    ) -> None:
        self.default_kvstore = session_kvstore
        self._legacy = tuple(legacy)
        if app is not None and session_kvstore is not None:
            self.init_app(app)

    def init_app(
        self, app: Flask, session_kvstore: KeyValueStore | str | None = None
    ) -> None:
        """Keep the sessions of an application in a store.

        Raises
        ------
        InvalidArgument
            If no store was given, here or to the constructor.
        InvalidURL, UnknownScheme, MissingExtra, Unsupported
            If the store cannot be opened, or cannot keep sessions.
        """
        wanted = self.default_kvstore if session_kvstore is None else session_kvstore
        if wanted is None:
            raise InvalidArgument("Give a store, to KVSessionExtension or init_app.")
        store = AliasedStores().get(wanted, short_lived=True)
        app.session_interface = KVSessionInterface(store, legacy=self._legacy)
        app.kvsession_store = store  # type: ignore[attr-defined] # where its users look
        app.cli.add_command(kv)

    def cleanup_sessions(self, app: Flask | None = None) -> None:
        """Delete what has expired, where the store does not by itself.

        Parameters
        ----------
        app : Flask, optional
            The application; else the current one.

        Raises
        ------
        SessionUnavailable
            If the store failed; call it again.
        """
        app = app or current_app
        interface = cast("KVSessionInterface", app.session_interface)
        interface.manager(app).purge()
