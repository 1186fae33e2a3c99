"""From a URL, or from its parameters, to the settings of a Redis."""

from collections.abc import Mapping
from typing import Any

from minimalkv._errors import InvalidURL
from minimalkv._registry import find
from minimalkv._schemes import REDIS
from minimalkv._urls import parse_url, url_params
from minimalkv.memory._redis_client import Settings


def settings_of_url(url: str, *, extended: bool) -> Settings:
    """Read the URL of a store that is made without wrappers, by its class.

    Raises
    ------
    InvalidURL
        If it is wrong, has wrappers, or belongs to another class.
    """
    parsed = parse_url(url)
    backend = find(parsed.scheme)
    if backend.family is not REDIS or parsed.wrappers:
        raise InvalidURL(
            "RedisStore takes the URL of a Redis without wrappers, such as "
            "'redis://localhost'. For all others there is get_store_from_url."
        )
    if parsed.scheme.startswith("h") != extended:
        kind = "HRedisStore" if parsed.scheme.startswith("h") else "RedisStore"
        raise InvalidURL(f"{parsed.scheme!r} opens a {kind}: use get_store_from_url.")
    return settings_of({**url_params(parsed), **backend.preset})


def settings_of(params: Mapping[str, Any]) -> Settings:
    """Make settings of checked parameters."""
    given = dict(params)
    given.pop("create_if_missing", None)  # there is nothing to create
    host = (given.pop("host", "localhost"), given.pop("port", None))
    settings = Settings(given.pop("hosts", (host,)), **given)
    if settings.cluster and settings.db:
        raise InvalidURL(f"A Redis Cluster has database 0 only, not {settings.db}.")
    return settings
