"""Uploads that go to the backend itself, without passing through Django."""

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from pytest_django import Settings

from minimalkv import (
    KeyValueStore,
    UploadIncomplete,
    UploadTooLarge,
    WrongContentType,
)
from minimalkv_django.uploads import DirectUpload, attach, direct_upload
from tests.forms import PNG
from tests.net.backend import KINDS, Backend, on, one_of

backend = one_of(*KINDS)


@pytest.fixture
def bucket(backend: Backend, settings: Settings) -> Iterator[KeyValueStore]:
    with backend.opened(backend.url()) as store:
        settings.MINIMALKV_STORES = {"default": "memory://", "uploads": store}
        yield store


def send(allowed: DirectUpload, data: bytes, **headers: str) -> int:
    request = Request(  # noqa: S310 - the URL of a test server
        allowed.url, data, {**allowed.headers, **headers}, method=allowed.method
    )
    try:
        with urlopen(request) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except HTTPError as error:
        return int(error.code)


@on("s3", "azure", "gcs")
def test_upload_goes_to_the_backend(backend: Backend, bucket: KeyValueStore) -> None:
    allowed = direct_upload("a.png", types=["png"], max_bytes=len(PNG))
    assert "/files/" not in allowed.url
    assert send(allowed, PNG) in (200, 201)
    stored = attach(allowed.token, types=["png"])
    assert bucket.get(stored.key) == PNG
    assert bucket.head(stored.key).content_type == "image/png"
    assert bucket.keys() == [stored.key]


@on("s3", "azure", "gcs")
def test_what_the_backend_takes_and_nobody_allowed_is_not_attached(
    backend: Backend, bucket: KeyValueStore
) -> None:
    large = direct_upload("a.png", max_bytes=len(PNG) - 1)
    send(large, PNG)
    with pytest.raises(UploadTooLarge):
        attach(large.token)
    typed = direct_upload("a.png")
    send(typed, PNG, **{"Content-Type": "text/html"})
    with pytest.raises((WrongContentType, UploadIncomplete)):
        attach(typed.token)
    script = direct_upload("a.png")
    send(script, b"<html><script>")
    with pytest.raises(WrongContentType):
        attach(script.token)
    assert bucket.keys() == []
