"""Signed links to files, and uploads that go to the store itself, in Django."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, include, path
from pytest_django import Settings

from minimalkv import (
    InvalidToken,
    KeyNotFound,
    KeyValueStore,
    UploadIncomplete,
    WrongContentType,
)
from minimalkv_django._file_views import receive
from minimalkv_django.stores import stores
from minimalkv_django.uploads import DirectUpload, attach, direct_upload, signed_url
from tests.clocks import FakeClock
from tests.forms import PNG

urlpatterns = [path("files/", include("minimalkv_django.urls"))]


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture(params=["hmemory://", "hfs"])
def kept(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Any
) -> KeyValueStore:
    url = f"hfs://{tmp_path}" if request.param == "hfs" else request.param
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": url}
    settings.ROOT_URLCONF = __name__
    return stores["uploads"]


# Links.


def status_of(client: Client, link: str) -> int:
    answer = client.get(link)
    answer.getvalue()  # to its end, where it is closed
    return int(answer.status_code)


def test_link_leads_to_the_file(kept: KeyValueStore, client: Client) -> None:
    kept.put("photos/a.png", PNG)
    answer = client.get(signed_url("photos/a.png", download_name="ü.png"))
    assert answer.status_code == 200
    assert answer.getvalue() == PNG
    assert answer["Content-Type"] == "image/png"
    assert "filename*=UTF-8''%C3%BC.png" in answer["Content-Disposition"]
    assert answer["Cache-Control"].startswith("private, max-age=")


@pytest.mark.parametrize("name", ["a/b.png", "..", "?", "%2f", "ü \n.png", "\n"])
def test_link_takes_any_name(kept: KeyValueStore, client: Client, name: str) -> None:
    kept.put("a.png", PNG)
    assert status_of(client, signed_url("a.png", download_name=name)) == 200


def test_link_ends(
    kept: KeyValueStore, client: Client, settings: Settings, clock: FakeClock
) -> None:
    kept.put("a.png", PNG)
    link = signed_url("a.png", expires=60)
    assert status_of(client, link) == 200
    clock.advance(76)  # it may live a quarter longer
    assert status_of(client, link) == 403


def test_link_stays_the_same_for_a_while(kept: KeyValueStore, clock: FakeClock) -> None:
    clock.advance(1)  # from a moment at which a new one is given
    first = signed_url("a.png", expires=400)
    clock.advance(50)
    assert signed_url("a.png", expires=400) == first
    clock.advance(100)
    assert signed_url("a.png", expires=400) != first


@pytest.mark.parametrize("place", [20, 40, -8])
def test_altered_link_leads_nowhere(
    kept: KeyValueStore, client: Client, place: int
) -> None:
    kept.put("a.png", PNG)
    link = signed_url("a.png").removesuffix("/a.png")
    swapped = "A" if link[place] != "A" else "B"
    altered = f"{link[:place]}{swapped}{link[place:][1:]}"
    assert status_of(client, f"{altered}/a.png") == 403


def test_link_of_a_retired_key_holds_while_it_is_a_fallback(
    kept: KeyValueStore, client: Client, settings: Settings
) -> None:
    kept.put("a.png", PNG)
    link = signed_url("a.png")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    assert status_of(client, link) == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert status_of(client, link) == 403


def test_session_is_no_file(kept: KeyValueStore) -> None:
    kept.put("mkv-session-a", b"{}")
    with pytest.raises(KeyNotFound):
        signed_url("mkv-session-a")


def test_missing_urls_are_said_with_their_cure(
    kept: KeyValueStore, settings: Settings
) -> None:
    settings.ROOT_URLCONF = "tests.django.urls"
    with pytest.raises(NoReverseMatch, match=r"minimalkv_django\.urls"):
        signed_url("a.png")


# Uploads to our own view.


def put(client: Client, allowed: DirectUpload, data: bytes, **headers: str) -> int:
    content_type = headers.get("type", allowed.headers["Content-Type"])
    return client.put(allowed.url, data, content_type=content_type).status_code


def test_upload_is_sent_and_attached(kept: KeyValueStore, client: Client) -> None:
    allowed = direct_upload("ü.png", prefix="photos/", types=["png"], max_bytes=99999)
    assert put(client, allowed, PNG) == 204
    stored = attach(allowed.token, types=["png"])
    assert kept.keys() == [stored.key]
    assert kept.get(stored.key) == PNG
    assert stored.key.startswith("photos/u_")
    assert (stored.size, stored.content_type) == (len(PNG), "image/png")
    with pytest.raises(UploadIncomplete):
        attach(allowed.token)


def test_upload_is_bound_to_what_was_allowed(
    kept: KeyValueStore, client: Client, clock: FakeClock
) -> None:
    allowed = direct_upload("a.png", max_bytes=len(PNG), expires=60)
    assert put(client, allowed, PNG + b"x") == 413
    assert put(client, allowed, PNG, type="text/html") == 415
    other = allowed._replace(url=allowed.url[:-1])
    assert put(client, other, PNG) == 403
    assert client.post(allowed.url, PNG, content_type="image/png").status_code == 405
    assert kept.keys() == []
    assert put(client, allowed, PNG) == 204
    assert put(client, allowed, PNG) == 403
    clock.advance(61)
    late = direct_upload("a.png", expires=60)
    clock.advance(61)
    assert put(client, late, PNG) == 403


def test_unannounced_type_is_not_attached(kept: KeyValueStore, client: Client) -> None:
    with pytest.raises(WrongContentType):
        direct_upload("a.exe", types=["png"])
    allowed = direct_upload("a.png")
    assert put(client, allowed, b"<html><script>") == 204
    with pytest.raises(WrongContentType):
        attach(allowed.token)
    assert kept.keys() == []


def test_upload_is_bound_to_its_store(kept: KeyValueStore, client: Client) -> None:
    allowed = direct_upload("a.png")
    elsewhere = allowed.url.replace("/upload/uploads/", "/upload/default/")
    assert elsewhere != allowed.url
    assert put(client, allowed._replace(url=elsewhere), PNG) == 403
    assert put(client, allowed, PNG) == 204
    with pytest.raises(InvalidToken):
        attach(allowed.token, store="default")


def test_token_of_a_link_allows_no_upload(kept: KeyValueStore) -> None:
    token = signed_url("a.png").split("/")[-2]
    with pytest.raises(InvalidToken):
        attach(token)


def test_upload_of_unknown_length_is_refused(kept: KeyValueStore) -> None:
    allowed = direct_upload("a.png")
    request = RequestFactory().put(allowed.url, PNG, content_type="image/png")
    del request.META["CONTENT_LENGTH"]
    assert receive(request, "uploads", allowed.token).status_code == 411
    assert kept.keys() == []


def test_link_to_a_store_that_is_gone_is_a_404(
    kept: KeyValueStore, client: Client, settings: Settings
) -> None:
    settings.MINIMALKV_STORES = {"default": "memory://", "old": "hmemory://"}
    link = signed_url("a.png", store="old")
    settings.MINIMALKV_STORES = {"default": "memory://"}
    assert status_of(client, link) == 404
