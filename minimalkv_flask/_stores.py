"""The stores that an application names in its configuration."""

import os
from typing import Any, Final

from flask import Flask

from minimalkv._aliases import AliasedStores

STORES: Final = "minimalkv"
"""What the extension of an application is called that has its stores."""

_ENVIRONMENT: Final = "FLASK_MINIMALKV_URL"


def stores_of(app: Flask) -> AliasedStores:
    """Return the stores of an application; it is not kept alive by them."""
    config = app.config

    def read() -> tuple[Any, Any]:
        url = config.get("MINIMALKV_URL") or os.environ.get(_ENVIRONMENT)
        return url, config.get("MINIMALKV_STORES")

    return AliasedStores(read, observer=lambda: config.get("MINIMALKV_OBSERVER"))


def stores_at(app: Flask) -> AliasedStores:
    """Return the stores of an application, also of one without `MinimalKV`."""
    found: AliasedStores | None = app.extensions.get(STORES)
    if found is None:
        found = app.extensions[STORES] = stores_of(app)
    return found
