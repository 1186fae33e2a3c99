"""The Django side: static files in the store, each with a hash in its name."""

import contextlib
import io
from itertools import islice
from typing import Final, cast

from django.contrib import messages
from django.contrib.staticfiles.storage import staticfiles_storage
from django.contrib.staticfiles.views import serve
from django.core.management import call_command
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from example_site.views import for_visitors, see_other
from minimalkv_django.staticfiles import (
    HASHED_CACHE_CONTROL,
    KVManifestStaticFilesStorage,
)

SHOWN: Final = 8


class StaticFiles(KVManifestStaticFilesStorage):
    """Static files in the store; before they are collected, those of packages."""

    def stored_name(self, name: str) -> str:
        """Return the name with a hash, or as it is where there is none yet."""
        with contextlib.suppress(ValueError):
            return str(super().stored_name(name))
        return name


@require_safe
def static_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """Send a static file; where many ask, a web server or the bucket itself does."""
    storage = cast("StaticFiles", staticfiles_storage)
    if path not in storage.hashed_files.values():
        return serve(request, path, insecure=True)
    response = FileResponse(storage.open(path))
    response["Cache-Control"] = HASHED_CACHE_CONTROL
    return response


@require_safe
@for_visitors
def overview(request: HttpRequest) -> HttpResponse:
    """Show some of the names, without a hash and with it."""
    hashed = cast("StaticFiles", staticfiles_storage).hashed_files
    what = {
        "count": len(hashed),
        "names": [*islice(sorted(hashed.items()), SHOWN)],
        "visitor": request.session["name"],
        "told": messages.get_messages(request),
    }
    return render(request, "static_files.html", what)


@require_POST
@for_visitors
def collect(request: HttpRequest) -> HttpResponse:
    """Do what a deployment does: ``manage.py collectstatic``."""
    told = io.StringIO()
    call_command("collectstatic", interactive=False, stdout=told)
    messages.success(request, told.getvalue().strip().splitlines()[-1])
    return see_other("static_files")
