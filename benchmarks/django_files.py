"""The views of a site of Django that takes and sends files."""

from typing import Any, cast

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from benchmarks.file_sites import FILE
from minimalkv_django.uploads import KVUploadedFile, stream_uploads
from minimalkv_django.views import serve


def _own(request: HttpRequest) -> HttpResponseBase:
    if request.method == "GET":
        return FileResponse(default_storage.open(FILE))
    default_storage.save("sent.bin", cast("UploadedFile[Any]", request.FILES["file"]))
    return HttpResponse()


@stream_uploads(csrf=False)
def _ours(request: HttpRequest) -> HttpResponseBase:
    if request.method == "GET":
        return serve(request, FILE)
    cast("KVUploadedFile", request.FILES["file"]).keep()
    return HttpResponse()


urlpatterns = [path("own", _own), path("ours", _ours)]
