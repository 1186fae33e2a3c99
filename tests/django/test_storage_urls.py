"""The URLs and paths of files."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from minimalkv import Unsupported
from minimalkv._hstores import HFilesystemStore
from minimalkv.decorator import PrefixDecorator, ReadOnlyDecorator
from minimalkv.fs import WebFilesystemStore
from minimalkv.ttl import with_ttl
from minimalkv_django.storage import KVStorage
from tests.net.backend import Backend, one_of
from tests.net.by_url import send

S3 = "hs3://key:secret@127.0.0.1:1/bucket?is_secure=false"

backend = one_of("s3", "azure", "gcs")


# Of ours.


@pytest.mark.parametrize("base", ["/media", "/media/", "https://cdn.example.org/m/"])
def test_the_base_url_stands_before_the_name(base: str) -> None:
    storage = KVStorage(location="x", base_url=base)
    base = base.rstrip("/")

    assert storage.url("a/b c?.png") == f"{base}/a/b%20c%3F.png"
    assert storage.url("/a.png") == f"{base}/a.png"
    assert storage.url("a\\b.png") == f"{base}/a/b.png"
    assert storage.url("img/") == f"{base}/img/"
    assert storage.url("") == storage.url(None) == f"{base}/"


def test_a_url_has_the_name_as_it_is_stored(tmp_path: Path) -> None:
    storage = KVStorage(f"hfs://{tmp_path}", base_url="/m/")
    name = storage.save("gr\xfcn.png", ContentFile(b""))

    # A web server decodes it once, and looks for the file.
    assert storage.url(name) == "/m/gr%25C3%25BCn.png"
    assert (tmp_path / "gr%C3%BCn.png").exists()


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("cdn.example.org", "https://cdn.example.org/media/a%20b.png"),
        ("cdn.example.org/x/", "https://cdn.example.org/x/media/a%20b.png"),
        ("http://localhost:8000", "http://localhost:8000/media/a%20b.png"),
    ],
)
def test_a_domain_shows_the_whole_store(domain: str, expected: str) -> None:
    storage = KVStorage(S3, location="media", custom_domain=domain)

    assert storage.url("a b.png") == expected


def test_a_url_without_a_signature_is_the_same_for_ever() -> None:
    storage = KVStorage(S3, querystring_auth=False)

    assert storage.url("a/b c.png") == "http://127.0.0.1:1/bucket/a/b%20c.png"


def test_a_folder_that_a_web_server_shows_has_its_urls(tmp_path: Path) -> None:
    class Shown(WebFilesystemStore, HFilesystemStore):
        pass

    store = Shown(tmp_path, "https://example.org/files/")
    storage = KVStorage(store, querystring_auth=False)

    assert storage.url("a/b.png") == "https://example.org/files/a/b.png"


def test_a_store_that_browsers_cannot_reach_has_no_url(
    tmp_path: Path, memory: KVStorage, settings: Settings
) -> None:
    settings.MINIMALKV_URL = "hmemory://"
    for source in (f"hfs://{tmp_path}", memory.store, "uploads"):
        for signed in (True, False):
            storage = KVStorage(source, querystring_auth=signed)
            with pytest.raises(Unsupported, match="base_url"):
                storage.url("a")


# Signed by us.


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Iterator[Client]:
    urls = ModuleType("tests.django.urls_of_files")
    vars(urls)["urlpatterns"] = [path("files/", include("minimalkv_django.urls"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, urls.__name__, urls)
        settings.ROOT_URLCONF = urls.__name__
        settings.MINIMALKV_URL = f"hfs://{tmp_path}"
        yield Client()


@pytest.mark.parametrize("name", ["d/a.png", "gr\xfcn.png", "a b?.png"])
def test_our_view_sends_what_a_url_is_for(site: Client, name: str) -> None:
    storage = KVStorage(location="media")
    storage.save(name, ContentFile(b"data"))
    url = storage.url(name)

    response = site.get(url)
    assert response.status_code == 200
    assert b"".join(response) == b"data"
    assert response["Content-Type"] == "image/png"
    assert site.get(url.replace("/signed/", "/signed/x")).status_code == 403


# Signed by the backend.


def test_whoever_has_the_url_gets_the_file(backend: Backend) -> None:
    storage = KVStorage(backend.url(), location="media")
    for name in ("a b.png", "gr\xfcn.png"):
        storage.save(name, ContentFile(b"data"))
        url = storage.url(name)

        status, data, headers = send(url, "GET")
        assert (status, data) == (200, b"data")
        assert headers["Content-Type"] == "image/png"
        assert "3600" in url or backend.name == "azure"


# Paths.


def test_a_file_on_this_machine_has_a_path(tmp_path: Path) -> None:
    plain = HFilesystemStore(tmp_path)
    wrapped = ReadOnlyDecorator(PrefixDecorator("x/", plain))
    storage = KVStorage(plain, location="media")
    name = storage.save("d/gr\xfcn.txt", ContentFile(b"1"))

    assert Path(storage.path(name)).read_bytes() == b"1"
    plain.put("x/a", b"2")
    assert Path(KVStorage(wrapped).path("a")).read_bytes() == b"2"


def test_other_files_have_no_path(tmp_path: Path, memory: KVStorage) -> None:
    # What stands in this file is not only the value.
    framed = with_ttl(HFilesystemStore(tmp_path))

    for storage in (memory, KVStorage(S3), KVStorage(framed)):
        with pytest.raises(NotImplementedError, match="open"):
            storage.path("a")
