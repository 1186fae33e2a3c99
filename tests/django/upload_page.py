"""A site of Django for large uploads, in a process of its own."""

import os
from typing import cast

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.urls import path

from minimalkv_django.uploads import KVUploadedFile, stream_uploads
from minimalkv_django.views import serve


def make(url: str) -> WSGIHandler:
    """Return the site, which keeps in the store of a URL what is sent to it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django.settings")
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MIDDLEWARE = []
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": url}
    django.setup()
    return WSGIHandler()


def _upload(request: HttpRequest) -> JsonResponse:
    sent = cast("dict[str, KVUploadedFile]", request.FILES)
    kept = {field: file.keep() for field, file in sent.items()}
    files = {field: [file.key, file.size] for field, file in kept.items()}
    return JsonResponse({"files": files, "form": request.POST.dict()})


_videos = stream_uploads(_upload, prefix="videos/", csrf=False)
_images = stream_uploads(_upload, prefix="images/", types=["image/*"], csrf=False)

urlpatterns = [
    path("videos", _videos),
    path("images", _images),
    path("files/<path:key>", serve, {"store": "uploads"}),
]
