"""Django: whole requests to a page that does nothing but use its session."""

from itertools import count

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.urls import path

from benchmarks.content import SESSION
from benchmarks.measure import Effort, Rows, compare
from benchmarks.wsgi import asks

AIM = 0.7

_CACHE_ENGINE = "django.contrib.sessions.backends.cache"
_OURS = "minimalkv_django.sessions"
_numbers = count(1)


def rows(url: str, url_of_cache: str, effort: Effort) -> Rows:
    """Measure our engine against that of the cache, on the same server.

    Parameters
    ----------
    url, url_of_cache : str
        A database of Redis for each.
    effort : Effort
        How long to measure.
    """
    _configure(url, url_of_cache)
    engines = {name: _handler(name) for name in (_CACHE_ENGINE, _OURS)}
    for use in ("untouched", "read", "write"):
        theirs, ours = (asks(handler, f"/{use}") for handler in engines.values())
        aim = None if use == "untouched" else AIM
        yield compare(f"django, {use} / cache engine", theirs, ours, effort, aim)


def _configure(url: str, url_of_cache: str) -> None:
    cache = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url_of_cache,
    }
    settings.configure(
        SECRET_KEY="a key of the benchmarks",  # noqa: S106 - it protects nothing
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF="benchmarks.in_django",
        INSTALLED_APPS=["django.contrib.sessions", "minimalkv_django"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        CACHES={"default": cache},
        MINIMALKV_URL=url,
    )
    django.setup()


def _handler(engine: str) -> WSGIHandler:
    with override_settings(SESSION_ENGINE=engine):
        return WSGIHandler()  # the middleware of sessions imports the engine here


def _begin(request: HttpRequest) -> HttpResponse:
    request.session.update(SESSION)
    return HttpResponse()


def _leave(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


def _read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.session["locale"])


def _write(request: HttpRequest) -> HttpResponse:
    request.session["visits"] = next(_numbers)
    return HttpResponse()


urlpatterns = [
    path("begin", _begin),
    path("untouched", _leave),
    path("read", _read),
    path("write", _write),
]
