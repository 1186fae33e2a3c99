"""Files that are sent to a Flask view go into the store while they arrive."""

import io
import logging
import re
import tempfile
from typing import Any

import pytest
from flask import request
from werkzeug.datastructures import MultiDict

from minimalkv import (
    StoreUnavailable,
    UploadIncomplete,
    UploadRefused,
)
from minimalkv_flask.uploads import (
    ALL,
    IMAGES,
    TEXT,
    StoredFile,
    UploadNotAllowed,
    UploadSet,
    iter_parts,
)
from tests.files.samples import SAMPLES
from tests.flask.uploading import Site
from tests.forms import PNG, Sent, body_of, file, text

photos = UploadSet("photos", IMAGES + TEXT, max_bytes=50_000)


def stored(of: UploadSet = photos) -> MultiDict[str, StoredFile]:
    return of.stream(request)


# Forms.


def told() -> dict[str, Any]:
    """Store what is sent, and tell what became of it."""
    saved = photos.stream()
    return {
        "keys": [file.key for file in saved.getlist("photo")],
        "facts": [vars(saved["note"]), saved["note"]],
        "form": request.form.to_dict(flat=False),
        "rest": [len(request.files), request.get_data().decode()],
    }


def test_files_are_stored_and_fields_are_there_afterwards(site: Site) -> None:
    answer = site.sends(
        told,
        text("title", "Ünter"),
        file("photo", "a b.PNG", PNG),
        text("title", "two"),
        file("photo", "../c.txt", SAMPLES["jpg"]),
        file("none", "", b""),
        file("note", "n.txt", b""),
    ).get_json()
    assert (answer["form"], answer["rest"]) == ({"title": ["Ünter", "two"]}, [0, ""])
    first, second = answer["keys"]
    assert re.fullmatch(r"photos/a_b_[\w-]{12}\.png", first)
    assert re.fullmatch(r"photos/c_[\w-]{12}\.jpg", second)
    assert [site.store.get(key) for key in (first, second)] == [PNG, SAMPLES["jpg"]]
    facts, name = answer["facts"]
    assert facts["key"] == f"photos/{name}"
    assert (facts["size"], facts["filename"], facts["field"]) == (0, "n.txt", "note")
    assert len(site.store.keys()) == 3


def test_no_temporary_file_is_made(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, fail)
        monkeypatch.setattr(f"werkzeug.formparser.{name}", fail, raising=False)
    everything = UploadSet("everything", ALL)
    data = b"x" * 2_000_000
    assert site.sends(lambda: stored(everything)["a"], file("a", "a", data)).text
    assert len(site.store.keys()) == 1


def test_form_that_was_read_before_is_stored_as_well_and_told_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    own = UploadSet("photos", IMAGES)

    def view() -> str:
        assert request.form["csrf"] == "token"
        return own.stream(request)["photo"].key

    parts = [text("csrf", "token"), file("photo", "a.png", PNG), file("b", "", b"")]
    with caplog.at_level(logging.WARNING):
        keys = [site.sends(view, *parts).text for _ in range(2)]
    assert sorted(site.store.keys()) == sorted(keys)
    assert all(site.store.get(key) == PNG for key in keys)
    (record,) = caplog.records
    assert "'photos'" in record.getMessage()
    assert "temporary" in record.getMessage()


def test_body_that_was_kept_is_read_from_there(site: Site) -> None:
    def view() -> str:
        assert len(request.get_data()) > len(PNG)
        return stored()["photo"].key

    key = site.sends(view, file("photo", "a.png", PNG)).text
    assert site.store.get(key) == PNG


def test_folders_are_made_safe(site: Site) -> None:
    def view() -> str:
        (name,) = photos.stream(folder="../Ädä/x y").values()
        assert photos.exists(name)
        return name

    name = site.sends(view, file("photo", "a.png", PNG)).text
    assert re.fullmatch(r"file/Ada/x_y/a_[\w-]{12}\.png", name)
    assert site.store.keys() == [f"photos/{name}"]


def test_parts_are_read_one_by_one(site: Site) -> None:
    def view() -> list[Any]:
        found = []
        for part in iter_parts():
            if part.filename is None:
                found.append(part.text())
            elif part.name == "photo":
                found.append(photos.save(part))
        return found

    answer = site.sends(
        view, text("a", "b"), file("photo", "a.png", PNG), file("x", "x", b"skipped")
    )
    assert answer.get_json()[0] == "b"
    assert site.store.keys() == [f"photos/{answer.get_json()[1]}"]


# What is refused.

MANY = [file("photo", "a.png", PNG)] * 3
REFUSED: dict[str, tuple[tuple[Sent, ...], int]] = {
    "wrong type": ((*MANY, file("photo", "a.png", b"<html>")), 415),
    "unknown type": ((file("photo", "a.exe", SAMPLES["exe"]),), 415),
    "svg": ((file("photo", "a.svg", SAMPLES["svg"]),), 415),
    "too large": ((*MANY, file("photo", "a.txt", b"x" * 50_001)), 413),
    "too large a field": ((*MANY, text("t", "x" * 500_001)), 413),
    "too many parts": (tuple(text(f"t{n}", "x") for n in range(1001)), 413),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_nothing(site: Site, case: str) -> None:
    parts, status = REFUSED[case]
    answer = site.sends(stored, *parts)
    assert answer.status_code == status
    assert site.store.keys() == []


@pytest.mark.parametrize("left_out", [1, 2, 30, len(PNG), 2 * len(PNG)])
def test_truncated_form_leaves_nothing(site: Site, left_out: int) -> None:
    body, kind = body_of(*MANY)
    cut = body.rstrip()[:-left_out]
    assert site.does(stored, cut, kind).status_code == 400
    said = {"CONTENT_LENGTH": str(len(body))}
    assert site.does(stored, cut, kind, said).status_code == 400
    assert site.store.keys() == []


class Gone:
    """A client that goes away."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        data = self._data.read(size)
        if not data:
            raise ConnectionResetError
        return data


@pytest.mark.parametrize("environ", [{}, {"wsgi.input_terminated": True}])
def test_client_that_goes_away_leaves_nothing(
    site: Site, environ: dict[str, Any]
) -> None:
    body, kind = body_of(*MANY)
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": Gone(body[:-50])}
    assert site.does(stored, body, kind, environ).status_code == 400
    assert site.store.keys() == []


CHUNKED: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked"}


@pytest.mark.parametrize("is_chunked", [False, True])
def test_limit_of_the_whole_request_counts(site: Site, is_chunked: bool) -> None:
    body, kind = body_of(*MANY)
    site.app.config["MAX_CONTENT_LENGTH"] = len(body) - 1
    source = io.BytesIO(body)
    environ = {"wsgi.input": source, "wsgi.input_terminated": True}
    if is_chunked:
        environ |= CHUNKED
    answer = site.does(stored, body, kind, environ)
    assert (answer.status_code, site.store.keys()) == (413, [])
    assert f"{len(body) - 1:,} bytes" in answer.text
    assert source.read() == b""  # its sender could send all, and sees the answer
    site.app.config["MAX_CONTENT_LENGTH"] = len(body) + is_chunked
    environ["wsgi.input"] = io.BytesIO(body)
    assert site.does(stored, body, kind, environ).status_code == 200


def test_request_that_does_not_say_its_length_is_refused(site: Site) -> None:
    body, kind = body_of(*MANY)
    answer = site.does(stored, body, kind, CHUNKED)
    assert (answer.status_code, site.store.keys()) == (411, [])


def test_limits_of_flask_count(site: Site) -> None:
    def view() -> object:
        request.max_form_parts = 2
        return stored()

    parts = [text("a", "b"), file("photo", "a.png", PNG)]
    assert site.sends(view, *parts).status_code == 200
    assert site.sends(view, *parts, text("c", "d")).status_code == 413


def test_rest_of_a_refused_form_is_read_only_if_it_is_not_too_much(site: Site) -> None:
    body, kind = body_of(file("photo", "a.exe", SAMPLES["exe"] * 50_000))
    for length, is_read in ((len(body), True), (2**40, False)):
        source = io.BytesIO(body)
        environ = {"CONTENT_LENGTH": str(length), "wsgi.input": source}
        assert site.does(stored, body, kind, environ).status_code == 415
        assert (source.read() == b"") is is_read


def test_refusal_is_told_without_markup(site: Site) -> None:
    answer = site.sends(stored, file("photo", "<b>.png", b"<html>"))
    assert answer.status_code == 415
    assert "&lt;b&gt;.png" in answer.text
    assert "is text/html" in answer.text


def test_refusal_can_be_caught_and_handled(site: Site) -> None:
    def view() -> str:
        try:
            stored()
        except UploadNotAllowed as error:
            return f"caught {error}"
        return "stored"

    @site.app.errorhandler(UploadRefused)
    def handle(error: UploadRefused) -> tuple[str, int]:
        return f"handled {error.status}", error.status

    wrong = file("photo", "a.png", b"<html>")
    assert site.sends(view, wrong).text.startswith("caught 'a.png' is text/html")
    answer = site.sends(stored, wrong)
    assert (answer.status_code, answer.text) == (415, "handled 415")
    large = site.sends(stored, file("photo", "a.txt", b"x" * 50_001))
    assert large.text == "handled 413"


def test_error_page_may_use_the_form(site: Site) -> None:
    @site.app.errorhandler(415)
    def handle(error: Exception) -> tuple[str, int]:
        return request.form["title"], 415

    parts = [text("title", "mine"), file("photo", "a.png", b"<html>")]
    assert site.sends(stored, *parts).text == "mine"


def test_view_that_fails_in_between_leaves_nothing(site: Site) -> None:
    site.app.testing = True  # what it raises comes through

    class Picky(UploadSet):
        def type_allowed(self, content_type: str, filename: str) -> bool:
            if filename == "bad":
                raise RuntimeError("the view failed")
            return True

    picky = Picky("photos")
    with pytest.raises(RuntimeError):
        site.sends(lambda: stored(picky), *MANY, file("photo", "bad", b"x"))
    assert site.store.keys() == []
    assert repr(picky) == "<Picky 'photos'>"


def test_store_that_does_not_answer_is_a_503_that_tells_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.store.failing = {"put"}
    answer = site.sends(stored, file("photo", "a.png", PNG))
    assert answer.status_code == 503
    assert "does not answer" not in answer.text
    assert "does not answer a put" in caplog.text


def test_what_cannot_be_deleted_is_told(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(keys: list[str]) -> None:
        raise StoreUnavailable(f"The store does not answer: {len(keys)}.")

    monkeypatch.setattr(site.store, "delete_many", fail)
    assert site.sends(stored, *MANY, file("photo", "x", b"<html>")).status_code == 415
    assert "could not be deleted: ['photos/a_" in caplog.text


def test_errors_of_the_core_are_caught_as_such(site: Site) -> None:
    def view() -> str:
        body = b"".join(part.read() for part in iter_parts())
        return f"{len(body)}"

    body, kind = body_of(*MANY)
    assert site.does(view, body[:-90], kind).status_code == 400

    def careful() -> str:
        with pytest.raises(UploadIncomplete):
            view()
        return "caught"

    assert site.does(careful, body[:-90], kind).text == "caught"
