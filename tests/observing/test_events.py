"""What is logged: documented to the last line, useful, and without a secret."""

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest

from minimalkv import KeyValueStore, StoreError, get_store_from_url
from minimalkv._signing import Macs, Seals, session_tokens
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.observing import ObservedDecorator, StoreCall
from minimalkv.sessions import Legacy, SessionManager
from tests.net.gcs_account import account_json
from tests.observing.events import Event, events, loggers
from tests.pages import spans, tables

_PAGE = "docs/operations.md"
_KEYS = [b"a retired key", b"the key"]


def rows(heading: str) -> Iterator[list[str]]:
    for table in tables(_PAGE):
        if table.heading == heading:
            yield from table.rows


def test_every_event_is_in_the_table_and_no_other() -> None:
    listed = [
        Event(spans(message)[0], spans(logger)[0], level)
        for message, logger, level, _ in rows("Events")
    ]
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(events())
    assert all(row[3].endswith(".") for row in rows("Events"))


def test_each_package_has_one_logger() -> None:
    found = set(loggers())
    assert found == {
        (name, name) for name in ("minimalkv_flask", "minimalkv_django")
    } | {("minimalkv", "minimalkv")}


def test_every_field_of_a_call_is_in_the_table() -> None:
    listed = [spans(row[0])[0] for row in rows("Every call") if row[0].startswith("`")]
    assert listed[: len(StoreCall._fields)] == list(StoreCall._fields)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what tells the events of ours since it was asked last."""
    caplog.set_level(logging.DEBUG)

    def told() -> list[str]:
        found = [r.getMessage() for r in caplog.records if r.name == "minimalkv"]
        caplog.clear()
        return found

    return told


def test_opening_a_store_is_told(told: Callable[[], list[str]]) -> None:
    get_store_from_url("redis://:letmein@localhost/1#wrap:prefix(a-)")
    assert told() == ["A store was opened: redis://***@localhost/1#wrap:prefix(a-)"]


def test_a_retired_key_is_told_while_it_is_in_use(
    told: Callable[[], list[str]],
) -> None:
    old, new = _KEYS
    token = session_tokens(old).sign("A" * 43)
    seal = Seals("link", [old]).sign({}, 10)
    mac = Macs("cache", [old]).sign(b"value")
    assert session_tokens(new, [old]).read(token) == ("A" * 43, False)
    assert Seals("link", _KEYS).read(seal, 5) == {"until": 10}
    assert Macs("cache", _KEYS).are_ours(mac, b"value")
    begin = "Signed with a retired key, and accepted: "
    assert told() == [f"{begin}{what}" for what in ("session", "link", "cache")]
    assert Seals("link", _KEYS).read(Seals("link", [new]).sign({}, 10), 5)
    assert session_tokens(new, [old]).read(session_tokens(new).sign("A" * 43))[0]
    assert told() == []


def test_what_a_killed_process_left_is_told_when_it_is_removed(
    tmp_path: Path, told: Callable[[], list[str]]
) -> None:
    store = FilesystemStore(tmp_path)
    left = tmp_path / ";put-0123456789abcdef"
    left.touch()
    assert store.keys() == []
    (line,) = told()
    assert line.endswith(left.name)
    assert not left.exists()


def test_a_session_that_is_taken_over_is_told(told: Callable[[], list[str]]) -> None:
    manager = SessionManager(DictStore())
    session = manager.open("old", legacy=lambda: Legacy({"name": "Ada"}, bool))
    assert session.data == {"name": "Ada"}
    session.save()
    assert "A session of another package was taken over." in told()


@pytest.mark.parametrize(
    "server", ["s3_server", "azure_server", "gcs_server"], indirect=True
)
def test_a_bucket_that_is_created_is_told(
    server: Any, told: Callable[[], list[str]]
) -> None:
    url = re.sub(r"[\w-]+(?=$|\?)", f"new-{uuid4().hex}", server.url(), count=1)
    with get_store_from_url(url) as store:
        store.put("key", b"value")
    name = re.findall(r"new-\w+", url)[0]
    lines = [line for line in told() if line.startswith("A bucket was missing")]
    assert len(lines) == 1, told()
    assert name in lines[0]


def secrets_of(url: str) -> set[str]:
    """Return what nobody may read of a URL, as it is written there and as it is."""
    userinfo = re.sub(r"^\w+://([^@/]*)@.*", r"\1", url)
    secret = userinfo.partition(":")[2] or userinfo
    return {secret, unquote(secret)}


def use(store: KeyValueStore) -> None:
    store.put("key", b"value")
    store.update("key", lambda old: old)
    with store.open("key") as file:
        assert file.read() == b"value"
    assert store.keys() == ["key"]
    store.delete_prefix("")
    if store.url_support:
        store.url_for("key")


def shown_by(act: Callable[[KeyValueStore], None], url: str, log: Any) -> str:
    """Return all that is logged and told while a store is used."""
    log.clear()
    calls: list[StoreCall] = []
    with get_store_from_url(url) as store:
        act(ObservedDecorator(calls.append, store))
    lines = [f"{record.getMessage()} {vars(record)}" for record in log.records]
    assert "A store was opened" in lines[0]
    assert calls
    lines += [f"{call} {call.error and call.error.__cause__!r}" for call in calls]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "server", ["redis_server", "s3_server", "azure_server"], indirect=True
)
def test_no_secret_is_logged_or_told(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.url()
    wrong = re.sub(r"(?<=\w:)[^@/](?=[^@/]*@)", "X", url, count=1)

    def fail(store: KeyValueStore) -> None:
        with pytest.raises(StoreError):
            store.put("key", b"value")

    for address, act in ((url, use), (wrong, fail)):
        shown = shown_by(act, address, caplog)
        assert not [secret for secret in secrets_of(address) if secret in shown]


def test_no_secret_of_google_is_logged_or_told(
    gcs_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    account = account_json()
    text = base64.urlsafe_b64encode(account).decode()
    shown = shown_by(use, gcs_server.url().replace("://", f"://{text}@"), caplog)
    key = json.loads(account)["private_key"]
    assert not [s for s in (text, key, *key.splitlines()[1:-1]) if s in shown]
