"""``MINIMALKV_OBSERVER`` in the configuration of Flask."""

import gc
import io
import logging
import weakref
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request, session
from flask.testing import FlaskClient

from minimalkv import InvalidArgument
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.observing import ObservedDecorator, StoreCall
from minimalkv.sessions import ref_of
from minimalkv_flask import MinimalKV
from minimalkv_flask.uploads import ALL, UploadSet, configure_uploads

CALLS: list[StoreCall] = []


def record(call: StoreCall) -> None:
    CALLS.append(call)


PATH = f"{__name__}.record"


def site(observer: object, url: str) -> tuple[Flask, MinimalKV, FlaskClient]:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key", MINIMALKV_URL=url)
    if observer is not None:
        app.config["MINIMALKV_OBSERVER"] = observer
    kv = MinimalKV(app)
    files = UploadSet("files", ALL)
    configure_uploads(app, files)

    @app.post("/")
    def send() -> str:
        session["name"] = request.form.get("name", "Ada")
        saved = files.save(request.files["file"])
        assert files.path(saved.key.rpartition("/")[2]).endswith(saved.key)
        return saved.key

    CALLS.clear()
    return app, kv, app.test_client()


def sends(client: FlaskClient) -> None:
    sent = client.post("/", data={"file": (io.BytesIO(b"text"), "a.txt")})
    assert sent.status_code == 200


@pytest.mark.parametrize("observer", [record, PATH, PATH.replace(".record", ":record")])
def test_every_configured_store_is_observed(observer: object, tmp_path: Path) -> None:
    _, kv, client = site(observer, f"hfs://{tmp_path}/data")
    sends(client)
    found = {(call.operation, (call.key or "")[:12]) for call in CALLS}
    assert {("put", "mkv-session-"), ("put_file", "files/a.txt")} <= found, found
    assert {call.store for call in CALLS} == {f"<HFilesystemStore '{tmp_path}/data'>"}
    CALLS.clear()
    assert kv.store() is kv.store()
    assert kv.store().get("files/a.txt") == b"text"
    assert len(CALLS) == 1


def test_the_log_lets_nobody_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, _, client = site(record, f"hfs://{tmp_path}/data")
    sends(client)
    sends(client)
    cookie = client.get_cookie("session")
    assert cookie is not None
    session_id = cookie.value.partition(".")[0]
    shown = [str(vars(log)) for log in caplog.records] + [str(call) for call in CALLS]
    assert any(ref_of(session_id) in line for line in shown), "a ref lets nobody in"
    assert not [line for line in shown if session_id in line or "a key" in line]


def test_a_refused_upload_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    app, _, client = site(record, f"hfs://{tmp_path}/data")
    app.config["UPLOADED_FILES_DENY"] = ["exe"]
    sent = client.post("/", data={"file": (io.BytesIO(b"text"), "a.exe")})
    assert sent.status_code == 415
    (told,) = [log for log in caplog.records if log.name == "minimalkv_flask"]
    assert told.getMessage().startswith("An upload was refused: ")


def test_a_store_object_is_observed_once_and_stays_itself() -> None:
    own = ObservedDecorator(record, DictStore())
    other = DictStore()
    app = Flask(__name__)
    app.config.update(SECRET_KEY="a key", MINIMALKV_OBSERVER=record)
    app.config["MINIMALKV_STORES"] = {"default": own, "other": other}
    kv = MinimalKV(app)
    assert kv.store() is own
    wrapper: Any = kv.store("other")
    assert wrapper._dstore is other
    assert kv.store("other") is wrapper


def test_what_is_known_of_a_store_stays_known(tmp_path: Path) -> None:
    _, kv, _ = site(record, f"hfs://{tmp_path}/data")
    before = weakref.ref(kv.store("cache"))
    gc.collect()
    assert before() is kv.store("cache")


def test_without_an_observer_nothing_is_wrapped(tmp_path: Path) -> None:
    _, kv, client = site(None, f"hfs://{tmp_path}/data")
    sends(client)
    assert isinstance(kv.store(), FilesystemStore)
    assert CALLS == []


def test_applications_of_one_process_have_their_own(tmp_path: Path) -> None:
    url = f"hfs://{tmp_path}/data"
    others: list[StoreCall] = []
    (_, one, _), (_, two, _) = site(record, url), site(others.append, url)
    first: Any = one.store()
    second: Any = two.store()
    assert first._dstore is second._dstore, "with the same connections"
    first.put("a", b"1")
    assert (len(CALLS), len(others)) == (1, 0)
    second.put("a", b"1")
    assert (len(CALLS), len(others)) == (1, 1)


@pytest.mark.parametrize(
    ("observer", "text"),
    [
        ("shop.metrics.record", "'shop.metrics.record' is not there: No module named"),
        (f"{__name__}.missing", "has no attribute 'missing'"),
        ("not a path", "is not there"),
        (f"{__name__}.PATH", "it is no str"),
        (7, "it is no int"),
    ],
)
def test_a_wrong_observer_is_refused_at_once(observer: object, text: str) -> None:
    with pytest.raises(InvalidArgument, match="MINIMALKV_OBSERVER is a function") as e:
        site(observer, "memory://")
    assert text in str(e.value)
