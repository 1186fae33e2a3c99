"""Files that are sent to a Django view go into the store while they arrive."""

import asyncio
import io
import os
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from pytest_django import Settings

from minimalkv import KeyValueStore, get_store_from_url
from minimalkv_django.storage import KVStorage
from minimalkv_django.stores import stores
from minimalkv_django.uploads import KVUploadedFile, stream_uploads
from tests.forms import PNG, Sent, body_of, file, text
from tests.watched import WatchedStore

AnyView = Callable[[HttpRequest], HttpResponse]

views: list[Any] = []


def run(request: HttpRequest) -> Any:
    return views[-1](request)


run.csrf_exempt = True  # type: ignore[attr-defined] # what runs in it checks, or not


def token_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


urlpatterns = [path("", run), path("token", token_page)]


@pytest.fixture(params=["hmemory://", "hfs"])
def kept(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Any
) -> Iterator[KeyValueStore]:
    """Return the store of the uploads."""
    url = f"hfs://{tmp_path}" if request.param == "hfs" else request.param
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": url}
    settings.ROOT_URLCONF = __name__
    yield stores["uploads"]
    views.clear()


def send(*parts: Any, client: Client | None = None, **headers: str) -> Any:
    body, content_type = body_of(*parts)
    client = client or Client(raise_request_exception=False)
    return client.post("/", body, content_type=content_type, headers=headers)


def files_of(request: HttpRequest, name: str) -> list[KVUploadedFile]:
    return cast("list[KVUploadedFile]", request.FILES.getlist(name))


def keeps(request: HttpRequest) -> JsonResponse:
    found = {
        name: [one.keep().key for one in files_of(request, name)]
        for name in request.FILES
    }
    return JsonResponse({"files": found, "fields": dict(request.POST.lists())})


def reads(request: HttpRequest) -> HttpResponse:
    (found,) = files_of(request, "photo")
    return HttpResponse(b"".join(found.chunks()), headers={"X-Name": found.name})


def test_kept_files_stay_and_fields_are_there(kept: KeyValueStore) -> None:
    views.append(stream_uploads(keeps, prefix="photos/", types=["png"]))
    answer = send(
        text("title", "Ätna"), file("photo", "a.png", PNG), file("photo", "b.png", PNG)
    ).json()
    assert answer["fields"] == {"title": ["Ätna"]}
    assert sorted(answer["files"]["photo"]) == sorted(kept)
    assert [kept.get(key) for key in kept] == [PNG, PNG]
    assert all(key.startswith("photos/") for key in kept)


def test_file_can_be_read_and_is_gone_when_nobody_keeps_it(
    kept: KeyValueStore,
) -> None:
    views.append(stream_uploads(reads))
    answer = send(file("photo", "../../ä b.png", PNG))
    assert answer.content == PNG
    assert answer.headers["X-Name"] == "ä b.png"
    assert kept.keys() == []


def test_model_storage_moves_the_file_without_reading_it(kept: KeyValueStore) -> None:
    def saves(request: HttpRequest) -> HttpResponse:
        storage: Storage = KVStorage(store="uploads", location="mine")
        (found,) = files_of(request, "photo")
        return HttpResponse(storage.save("me.png", found))

    views.append(stream_uploads(saves))
    name = send(file("photo", "a.png", PNG)).content.decode()
    assert kept.keys() == [f"mine/{name}"]
    assert kept.get(f"mine/{name}") == PNG


def fails(request: HttpRequest) -> HttpResponse:
    assert request.FILES
    raise RuntimeError("the view failed")


@pytest.mark.parametrize("view", [fails, lambda request: HttpResponse("no thanks")])
def test_view_that_fails_or_forgets_leaves_nothing(
    kept: KeyValueStore, view: AnyView
) -> None:
    views.append(stream_uploads(view))
    send(file("photo", "a.png", PNG))
    assert kept.keys() == []


REFUSED: dict[str, tuple[dict[str, Any], tuple[Sent, ...], int]] = {
    "wrong type": ({"types": ["pdf"]}, (file("photo", "a.pdf", PNG),), 415),
    "file too large": ({"max_file_bytes": 999}, (file("a", "a", b"x" * 1000),), 413),
    "request too large": ({"max_bytes": 999}, (file("a", "a", b"x" * 1000),), 413),
    "second one wrong": (
        {"types": ["png"]},
        (file("a", "a.png", PNG), file("b", "b.png", b"<svg ")),
        415,
    ),
    "field too large": ({}, (file("a", "a.png", PNG), text("t", "x" * 3000000)), 413),
    "too many fields": ({}, tuple(text(f"t{n}", "x") for n in range(1001)), 400),
    "too many empty inputs": ({}, tuple(file("f", "", b"") for _ in range(101)), 400),
    "too many files": ({}, tuple(file("f", "f", b"x") for _ in range(101)), 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(kept: KeyValueStore, case: str) -> None:
    options, parts, status = REFUSED[case]
    views.append(stream_uploads(keeps, **options))
    assert send(*parts).status_code == status
    assert kept.keys() == []


@pytest.mark.parametrize("left_out", [1, 4, 40, len(PNG)])
def test_truncated_form_leaves_nothing(kept: KeyValueStore, left_out: int) -> None:
    views.append(stream_uploads(keeps))
    body, content_type = body_of(file("a", "a.png", PNG), file("b", "b.png", PNG))
    cut = body.rstrip()[:-left_out]
    answer = Client().post("/", cut, content_type=content_type)
    assert answer.status_code == 400
    assert kept.keys() == []


class Gone(io.BytesIO):
    """A client that goes away."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise OSError("connection reset")
        return data


def test_client_that_goes_away_leaves_nothing(kept: KeyValueStore) -> None:
    body, content_type = body_of(file("a", "a.png", PNG), file("b", "b.png", PNG))
    request = RequestFactory().post("/", b"x", content_type=content_type)
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = Gone(body[: len(body) // 2])
    answer = stream_uploads(keeps, csrf=False)(request)
    assert answer.status_code == 400
    assert kept.keys() == []


def test_form_of_unknown_length_is_refused(kept: KeyValueStore) -> None:
    body, content_type = body_of(file("a", "a.png", PNG))
    request = RequestFactory().post("/", body, content_type=content_type)
    del request.META["CONTENT_LENGTH"]
    answer = stream_uploads(keeps, csrf=False)(request)
    assert answer.status_code == 411
    assert kept.keys() == []


def test_store_that_is_away_is_a_503(kept: KeyValueStore, settings: Settings) -> None:
    away = WatchedStore(get_store_from_url("hmemory://"))
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": away}
    away.fail()
    views.append(stream_uploads(keeps))
    answer = send(file("a", "a.png", PNG))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"


def test_what_cannot_be_deleted_is_told_and_hides_no_error(
    kept: KeyValueStore, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    stuck = WatchedStore(get_store_from_url("hmemory://"))
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": stuck}
    stuck.failing = {"delete"}
    views.append(stream_uploads(keeps, types=["png"]))
    answer = send(file("a", "a.png", PNG), file("b", "b.png", b"<svg "))
    assert answer.status_code == 415
    (key,) = stuck.keys()
    assert key in caplog.text


# Requests that others forge.


def careful_client() -> tuple[Client, str]:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    return client, client.get("/token").content.decode()


@pytest.fixture
def guarded(kept: KeyValueStore, settings: Settings) -> KeyValueStore:
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    return kept


def test_token_in_the_header_is_enough(guarded: KeyValueStore) -> None:
    views.append(stream_uploads(keeps))
    client, token = careful_client()
    parts = file("photo", "a.png", PNG)
    assert send(parts, client=client, X_CSRFToken=token).status_code == 200
    assert len(guarded.keys()) == 1


def test_token_in_a_field_before_the_file_is_enough(guarded: KeyValueStore) -> None:
    views.append(stream_uploads(keeps))
    client, token = careful_client()
    parts = text("csrfmiddlewaretoken", token), file("photo", "a.png", PNG)
    assert send(*parts, client=client).status_code == 200
    assert len(guarded.keys()) == 1


def test_forged_request_stores_nothing_and_reaches_no_view(
    guarded: KeyValueStore,
) -> None:
    reached: list[HttpRequest] = []
    views.append(stream_uploads(lambda request: reached.append(request)))
    client, token = careful_client()
    photo, late = file("photo", "a.png", PNG), text("csrfmiddlewaretoken", token)
    wrong = text("csrfmiddlewaretoken", "x" * 64)
    stored_at: list[int] = []
    for parts in ((photo,), (photo, late), (wrong, photo), ()):
        assert send(*parts, client=client).status_code == 403
        stored_at.append(len(guarded.keys()))
    assert send(photo, client=client, X_CSRFToken="x" * 64).status_code == 403
    assert reached == []
    assert stored_at == [0, 0, 0, 0]


def test_forged_request_that_is_no_form_is_refused_as_well(
    guarded: KeyValueStore,
) -> None:
    views.append(stream_uploads(lambda request: HttpResponse("done")))
    client, _ = careful_client()
    assert client.put("/", b"{}", content_type="application/json").status_code == 403
    assert client.post("/", b"a=b", content_type="text/plain").status_code == 403
    assert client.get("/").status_code == 200


def test_form_is_not_read_before_a_view_with_header_token_asks(
    guarded: KeyValueStore,
) -> None:
    views.append(stream_uploads(lambda request: HttpResponse(status=409)))
    client, token = careful_client()
    parts = file("photo", "a.png", PNG)
    assert send(parts, client=client, X_CSRFToken=token).status_code == 409
    assert guarded.keys() == []


# Awaited.


def test_asynchronous_view_gets_its_files(kept: KeyValueStore) -> None:
    @stream_uploads(csrf=False)
    async def view(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        return keeps(request)

    body, content_type = body_of(file("photo", "a.png", PNG))
    request = AsyncRequestFactory().post("/", body, content_type=content_type)
    assert async_to_sync(view)(request).status_code == 200
    assert len(kept.keys()) == 1


def test_no_temporary_file_is_made(
    kept: KeyValueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was made")

    views.append(stream_uploads(keeps))
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", refuse)
    data = os.urandom(3 * 2**20)
    assert send(file("big", "big.bin", data)).status_code == 200
    assert kept.get(kept.keys()[0]) == data


def test_uploaded_file_of_another_store_is_read(kept: KeyValueStore) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        (found,) = files_of(request, "photo")
        other = get_store_from_url("hmemory://")
        storage = KVStorage(store=other)
        name = storage.save("me.png", found)
        with storage.open(name) as saved:
            return HttpResponse(saved.read())

    views.append(stream_uploads(view))
    assert send(file("photo", "a.png", PNG)).content == PNG
    assert kept.keys() == []


# What Django does with files.


@pytest.mark.parametrize("name", ["..", ".", "a/", "\u200b"])
def test_file_without_a_name_of_its_own_leaves_nothing(
    kept: KeyValueStore, name: str
) -> None:
    views.append(stream_uploads(lambda request: HttpResponse(len(request.FILES))))
    assert send(file("photo", name, PNG)).content == b"1"
    assert kept.keys() == []


def test_file_can_be_read_again_after_a_model_has_taken_it(kept: KeyValueStore) -> None:
    def saves(request: HttpRequest) -> HttpResponse:
        (found,) = files_of(request, "photo")
        first = found.read(3)
        KVStorage(store="uploads", location="mine").save("me.png", found)
        found.seek(0)
        return HttpResponse(first + found.read())

    views.append(stream_uploads(saves))
    assert send(file("photo", "a.png", PNG)).content == PNG[:3] + PNG
    assert len(kept.keys()) == 1


def test_ordinary_form_is_checked_by_its_own_field(guarded: KeyValueStore) -> None:
    views.append(stream_uploads(lambda request: HttpResponse(request.POST["a"])))
    client, token = careful_client()
    form = "application/x-www-form-urlencoded"
    right = client.post("/", f"csrfmiddlewaretoken={token}&a=1", content_type=form)
    assert right.content == b"1"
    wrong = client.post("/", f"csrfmiddlewaretoken={'x' * 64}&a=1", content_type=form)
    assert wrong.status_code == 403


def wrapped(around: str) -> Any:
    stream = stream_uploads(csrf=False, types=["pdf"])

    class Page(View):
        async def post(self, request: HttpRequest) -> HttpResponse:
            return keeps(request)

    if around == "view":
        return stream(Page.as_view())
    return method_decorator(stream, name="dispatch")(Page).as_view()


@pytest.mark.parametrize("around", ["view", "dispatch"])
def test_asynchronous_class_refuses_as_others_do(
    kept: KeyValueStore, around: str
) -> None:
    body, content_type = body_of(file("photo", "a.png", PNG))
    request = AsyncRequestFactory().post("/", body, content_type=content_type)
    answer = asyncio.run(wrapped(around)(request))
    assert answer.status_code == 415
    assert kept.keys() == []


def test_form_that_was_read_before_is_told(kept: KeyValueStore) -> None:
    body, content_type = body_of(file("photo", "a.png", PNG))
    request = RequestFactory().post("/", body, content_type=content_type)
    assert request.POST == {}
    with pytest.raises(ImproperlyConfigured, match="middleware"):
        stream_uploads(keeps, csrf=False)(request)
    request.close()
