"""Sessions and cached values, as the commands see them and as the site does."""

import json

from minimalkv import get_store_from_url
from minimalkv._ttl_frame import FRAME_BYTES
from minimalkv.sessions import SessionManager
from minimalkv.ttl import with_ttl
from tests.cli.running import printed, run

KEY = "mkv-cache-a"


def test_a_value_of_the_site_is_seen_without_its_frame(url: str) -> None:
    printed("put", url, KEY, "--ttl", "3600", input=b"value")
    with get_store_from_url(url) as store:
        frame = 0 if store.ttl_support else FRAME_BYTES
        assert len(store.get(KEY)) == frame + 5

    assert printed("cat", url, KEY) == printed("get", url, KEY) == "value"
    assert len(run("cat", "--raw", url, KEY).stdout_bytes) == frame + 5
    (line,) = printed("ls", "-l", "--json", url).splitlines()
    for told in (line, printed("stat", "--json", url, KEY)):
        facts = json.loads(told)
        assert facts["size"] == 5
        assert 3590 < facts["ttl"] <= 3600
    raw = json.loads(printed("ls", "-l", "--json", "--raw", url))
    assert raw["size"] == frame + 5


def test_a_raw_copy_can_be_put_back(folder: str) -> None:
    printed("put", folder, KEY, "--ttl", "3600", input=b"value")
    stored = run("get", "--raw", folder, KEY).stdout_bytes

    printed("put", "--raw", folder, "mkv-cache-b", input=stored)

    assert printed("cat", folder, "mkv-cache-b") == "value"
    facts = json.loads(printed("stat", "--json", folder, "mkv-cache-b"))
    assert 3590 < facts["ttl"] <= 3600


def test_what_has_no_frame_is_seen_as_it_is(folder: str) -> None:
    printed("put", "--raw", folder, KEY, input=b"value")

    assert printed("cat", folder, KEY) == "value"
    facts = json.loads(printed("stat", "--json", folder, KEY))
    assert (facts["size"], facts["ttl"]) == (5, None)


def test_a_copied_session_is_one_of_the_site(url: str) -> None:
    with get_store_from_url(url) as store:
        manager = SessionManager(store, lifetime_secs=3600)
        session = manager.open(None)
        session.data["name"] = "Ada"
        session.save()
        (before,) = manager.list(None)
        (key,) = store.iter_keys("mkv-session-")
        assert run("mv", url, key, "kept").exit_code == 0
        assert not list(manager.list(None))

        printed("mv", url, "kept", key)

        (after,) = manager.list(None)
        assert after.ref == before.ref
        assert manager.show(after.ref) == {"name": "Ada"}


def test_many_sessions_are_listed_in_the_order_of_the_store(url: str) -> None:
    with get_store_from_url(url) as store:
        values = {f"mkv-cache-{number}": b"x" * number for number in range(60)}
        with_ttl(store).put_many({**values, "plain": b"x"}, 3600)
        order = [meta.key for meta in store.iter_meta()]

    listed = [
        json.loads(line) for line in printed("ls", "-l", "--json", url).split("\n")[:-1]
    ]

    assert {facts["key"]: facts["size"] for facts in listed}.items() >= {
        key: len(value) for key, value in values.items()
    }.items()
    if not url.startswith("hredis"):  # whose order is no promise
        assert [facts["key"] for facts in listed] == order
