"""What docs/uploads.md says of limits, errors, arguments, CORS and costs, compared."""

import inspect
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest
from django.conf import global_settings
from flask import Flask, request
from werkzeug.test import Client

from minimalkv import KeyValueStore, UploadRefused, _direct, _links, files
from minimalkv._constants import CHUNK_BYTES
from minimalkv._http.answering import _MODES
from minimalkv._parts import READ_BYTES
from minimalkv._sniffing import BEGINNING_BYTES, judge_content_type
from minimalkv.files import StoredFile, check_type
from minimalkv.net.azurestore import AzureBlockBlobStore
from minimalkv_django._upload_handler import KVUploadedFile
from minimalkv_django.storage import KVStorage
from minimalkv_django.views import serve
from minimalkv_flask import MinimalKV, uploads
from minimalkv_flask.serving import send_from_store
from minimalkv_flask.uploads import ALL, UploadNotAllowed, UploadSet
from tests.forms import PNG, body_of, file
from tests.net.backend import Backend, one_of
from tests.pages import UPLOAD_HOMES, blocks, column, prose, public_names, spans, tables
from tests.proxy import Proxy

PAGE: Final = "docs/uploads.md"


def keyword(function: Callable[..., Any]) -> object:
    """Return the default of the last argument."""
    return [*inspect.signature(function).parameters.values()][-1].default


# Names, limits, errors.


def test_every_name_is_documented_with_where_it_is_from() -> None:
    (table,) = (t for t in tables(PAGE) if t.header[0] == "name")
    told = {
        (name, home)
        for row in table.rows
        for name in spans(row[0])
        for home in spans(row[1])
    }
    assert told == {found for found in public_names() if found[1] in UPLOAD_HOMES}


def test_the_limits_are_those_of_the_frameworks_and_ours() -> None:
    for _, flask_limit, django_limit in tables_by("limit"):
        for cell, usual in (
            (flask_limit, Flask.default_config),
            (django_limit, vars(global_settings)),
        ):
            for name, number in re.findall(r"`([A-Z_]{8,})`, ([\d ]+)", cell):
                assert usual[name] == int(number.replace(" ", "")), name
    for name, number in re.findall(r"`(MAX_\w+)` \(([\d ]+)\)", prose(PAGE)):
        assert getattr(files, name) == int(number.replace(" ", "")), name


NUMBERS: Final = {
    "The form is read 1 MiB at a time": READ_BYTES == 2**20,
    "The first 8192 bytes decide": BEGINNING_BYTES == 8192,
    "read on, up to 64 MiB": files.DRAIN_BYTES == 64 * 2**20,
    "read while it is sent, 256 KiB at a time": CHUNK_BYTES == 256 * 2**10,
    "within `expires`, an hour unless": _direct.EXPIRES_SECS == 3600,
    "the token counts a day longer": _direct.ATTACH_SECS == 86400,
    "delete it two days after": keyword(_direct.purge_pending) == 2 * 86400,
    "the same for a quarter of its life": _links._STEPS == 4,
    "`FILE_UPLOAD_MAX_MEMORY_SIZE`, 2.5 MiB": (
        global_settings.FILE_UPLOAD_MAX_MEMORY_SIZE == 2.5 * 2**20
    ),
    "gets 12 random characters": len(files.unique_filename("a.b")) == len("a_.b") + 12,
}


@pytest.mark.parametrize("told", NUMBERS)
def test_numbers_in_the_text_are_those_of_the_code(told: str) -> None:
    assert told in " ".join(prose(PAGE).split())
    assert NUMBERS[told]


def tables_by(first: str) -> list[list[str]]:
    (table,) = (t for t in tables(PAGE) if t.header[0] == first)
    return table.rows


def test_every_refusal_is_documented_with_its_status() -> None:
    kinds: list[type[UploadRefused]] = [UploadRefused]
    kinds += UploadRefused.__subclasses__()
    ours = [kind for kind in kinds if kind.__module__.startswith("minimalkv.")]
    assert {spans(row[0])[0]: int(row[1]) for row in tables_by("error")} == {
        kind.__name__: kind.status for kind in ours
    }
    assert uploads.UploadRefused is UploadRefused
    for name in ("UploadTooLarge", "UploadIncomplete", "InvalidToken"):
        error = getattr(uploads, name)
        assert error.code == error.status, name
    assert UploadNotAllowed.code == UploadNotAllowed.status


def test_what_is_taken_is_as_the_table_of_types_says() -> None:
    sent = {
        "jpg": (b"\xff\xd8\xff\xe0" + bytes(100), "photo.png"),
        "image/png": (PNG, "a"),
        "image/*": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png"),
        "csv": (b"1,2\n", "a.csv"),
    }
    rows = {spans(row[0])[0].strip('"') for row in tables_by("wanted")}
    assert rows == set(sent)
    for wanted, (data, filename) in sent.items():
        content_type = judge_content_type(data, filename)
        check_type(content_type, filename, [wanted])
        with pytest.raises(UploadRefused):
            check_type("video/mp4", "a.mp4", [wanted])


def test_every_fact_about_a_stored_file_is_documented() -> None:
    assert set(column(PAGE, "attribute")) == set(StoredFile.__annotations__)


# Arguments.


def keywords(function: Callable[..., Any]) -> dict[str, str]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: repr(p.default) for p in parameters if p.kind is p.KEYWORD_ONLY}


def defaults(first: str) -> dict[str, str]:
    return {name: row[1].strip("`") for name, row in column(PAGE, first).items()}


def test_every_argument_of_serving_is_documented_with_its_default() -> None:
    assert defaults("argument") == keywords(send_from_store)
    assert keywords(serve) == {**keywords(send_from_store), "store": "'uploads'"}
    assert list(column(PAGE, "mode")) == list(_MODES)


def test_every_option_of_a_link_is_documented_with_its_default() -> None:
    known = inspect.signature(uploads.signed_url).parameters.values()
    options = {p.name: repr(p.default) for p in known}
    del options["key"], options["store"]
    assert defaults("option") == options
    told = {name: default for name, default in options.items() if name != "external"}
    assert told == keywords(_links.link_to)


def test_cors_rules_allow_what_browsers_send() -> None:
    rules = [json.loads(b.text) for b in blocks(PAGE) if b.text.startswith(("{", "["))]
    (s3,), (google,) = rules[0]["CORSRules"], rules[1]
    assert (s3["AllowedMethods"], google["method"]) == (["PUT"], ["PUT"])
    assert s3["AllowedHeaders"] == google["responseHeader"] == ["content-type"]
    (azure,) = (
        line
        for b in blocks(PAGE)
        for line in b.text.splitlines()
        if line.startswith("az ")
    )
    wanted = ["content-type", *map(str.lower, AzureBlockBlobStore.put_url_headers)]
    assert f"--allowed-headers {','.join(wanted)} " in azure
    assert "--methods PUT " in azure


# Costs.


backend = one_of("s3")
Cost = Callable[["Costs"], object]


class Costs:
    """An application whose uploads go to S3, through a proxy that counts."""

    def __init__(self, store: KeyValueStore, proxy: Proxy) -> None:
        self.store = store
        self.proxy = proxy
        self.photos = UploadSet("photos", ALL)
        app = Flask("costs")
        app.config.update(SECRET_KEY="secret", SESSION_STORE=False)
        app.config["MINIMALKV_STORES"] = {"uploads": store}
        MinimalKV(app)
        app.add_url_rule("/", view_func=self.add, methods=["POST"])
        app.add_url_rule("/<path:key>", view_func=self.send)
        self.app = app
        self.client: Client = app.test_client()
        store.put("photos/old", b"old")

    def add(self) -> str:
        return self.photos.stream(request)["photo"]

    def send(self, key: str) -> Any:
        mode = "redirect" if "redirect" in request.args else "proxy"
        return send_from_store(self.store, key, mode=mode)

    def count(self, use: Cost) -> int:
        with self.app.test_request_context():
            self.proxy.reset_counts()
            use(self)
            return len(self.proxy.requests)


@pytest.fixture
def costs(backend: Backend) -> Iterator[Costs]:
    url = backend.url(conditional=True)
    with (
        Proxy(backend.server.port, settle_secs=0) as proxy,
        backend.opened(url, proxy.port) as store,
    ):
        yield Costs(store, proxy)


def upload(costs: Costs) -> None:
    body, content_type = body_of(file("photo", "a.bin", bytes(5 * 2**20)))
    answer = costs.client.post("/", data=body, content_type=content_type)
    assert answer.status_code == 200


def move(costs: Costs) -> None:
    source = io.BytesIO(PNG)
    stored = files.store_upload(costs.store, source, "a.png")
    sent = KVUploadedFile(costs.store, stored)
    assert KVStorage(costs.store, "mine").save("a.png", sent).endswith(".png")


def gets(**headers: str) -> Cost:
    def get(costs: Costs) -> None:
        with costs.client.get("/photos/old", headers=headers) as answer:
            assert answer.status_code in (200, 206, 304), answer.status
            assert answer.data or answer.status_code == 304

    return get


def not_modified(costs: Costs) -> None:
    etag = costs.client.head("/photos/old").headers["ETag"]
    costs.proxy.reset_counts()
    gets(**{"If-None-Match": etag})(costs)


def redirect(costs: Costs) -> None:
    assert costs.client.get("/photos/old?redirect").status_code == 302


def attach(costs: Costs) -> None:
    begun = costs.photos.direct_upload("a.png")
    assert costs.proxy.requests == []
    url, headers = begun["url"], begun["headers"]
    put = Request(url, PNG, headers, method="PUT")  # noqa: S310 - of a test server
    with urlopen(put) as answer:  # noqa: S310 - the same
        assert answer.status == 200
    costs.proxy.reset_counts()
    costs.photos.attach(begun["token"])


COSTS: Final[dict[str, list[Cost]]] = {
    "store a file of a form": [upload],
    "store a file, and move it to the name that a model has for it": [move],
    "send a file, or a part of it, or a 304": [
        gets(),
        gets(Range="bytes=0-1"),
        not_modified,
    ],
    "send the headers only": [lambda costs: costs.client.head("/photos/old")],
    "send a redirect to the store": [redirect],
    "sign a link": [lambda costs: costs.photos.signed_url("old")],
    "allow a direct upload": [lambda costs: costs.photos.direct_upload("a.png")],
    "attach a direct upload": [attach],
    "delete a file": [lambda costs: costs.photos.delete("old")],
}


@pytest.mark.parametrize("operation", COSTS)
def test_operations_cost_what_is_documented(costs: Costs, operation: str) -> None:
    told = {row[0]: int(row[1]) for row in tables_by("operation")}
    assert told.keys() == COSTS.keys()
    for use in COSTS[operation]:
        assert costs.count(use) == told[operation], costs.proxy.methods
