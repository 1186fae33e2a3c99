"""A site to which files are sent."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from flask import Flask
from werkzeug.test import TestResponse

from minimalkv_flask import MinimalKV
from tests.forms import Sent, body_of
from tests.watched import WatchedStore

SECRET: Final = "a key of the tests"
View = Callable[[], Any]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Site:
    """An application whose view is given with each request.

    Parameters
    ----------
    store : WatchedStore
        Where it keeps what is sent.
    """

    def __init__(self, store: WatchedStore) -> None:
        self.store = store
        self.app = Flask("site")
        self.app.config.update(
            SECRET_KEY=SECRET, SESSION_STORE=False, MINIMALKV_STORES={"uploads": store}
        )
        MinimalKV(self.app)
        self.client = self.app.test_client()
        self._views: list[View] = []
        self.app.add_url_rule("/", view_func=self._run, methods=["POST"])

    def _run(self) -> Any:
        return self._views[-1]()

    def sends(self, view: View, *parts: Sent) -> TestResponse:
        """Send a form to a view."""
        return self.does(view, *body_of(*parts))

    def does(
        self,
        view: View,
        body: bytes,
        content_type: str,
        environ: Mapping[str, Any] = _NOTHING,
    ) -> TestResponse:
        """Send a body to a view, with other words in the environment of WSGI."""
        self._views.append(view)
        return self.client.post(
            "/", data=body, content_type=content_type, environ_overrides=dict(environ)
        )
