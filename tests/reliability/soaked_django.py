"""A site of Django for hours of visitors: sessions, uploads, and cached values."""

import os
from typing import cast

import django
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.urls import path

from minimalkv_django.uploads import KVUploadedFile, stream_uploads
from minimalkv_django.views import serve


def make(url: str) -> WSGIHandler:
    """Return the site."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django.settings")
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
    settings.SESSION_COOKIE_NAME = "session"
    settings.MINIMALKV_URL = url
    settings.MINIMALKV_STORES = {"default": url, "uploads": url}
    settings.CACHES = {
        "default": {"BACKEND": "minimalkv_django.cache.KVCache", "LOCATION": url}
    }
    settings.STORAGES = {
        "default": {
            "BACKEND": "minimalkv_django.storage.KVStorage",
            "OPTIONS": {"store": "uploads"},
        }
    }
    django.setup()
    return WSGIHandler()


def _visit(request: HttpRequest) -> JsonResponse:
    request.session["visits"] = visits = request.session.get("visits", 0) + 1
    name = f"page {visits}"
    cache.set(name, ["what a page shows", visits], 100)
    assert cache.get(name) == ["what a page shows", visits]
    return JsonResponse({"visits": visits})


def _upload(request: HttpRequest) -> JsonResponse:
    sent = cast("dict[str, KVUploadedFile]", request.FILES)
    return JsonResponse({"key": sent["photo"].keep().key})


def _remove(request: HttpRequest) -> JsonResponse:
    default_storage.delete(request.GET["key"])
    return JsonResponse({})


urlpatterns = [
    path("visit", _visit),
    path("upload", stream_uploads(_upload, prefix="photos/", csrf=False)),
    path("files/<path:key>", serve, {"store": "uploads"}),
    path("remove", _remove),
]
