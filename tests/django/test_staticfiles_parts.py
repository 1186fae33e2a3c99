"""What collectstatic to a store consists of, part by part."""

import threading
from hashlib import md5
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management.base import OutputWrapper

from minimalkv_django import _static_progress
from minimalkv_django._static_caller import find_caller
from minimalkv_django._static_contents import Facts, Held, facts_of_bytes
from minimalkv_django._static_listing import Listing
from minimalkv_django._static_progress import Progress
from minimalkv_django._static_uploads import WORKERS, Uploads

NAMES = ("a.css", "img/b.png", "img/big/c.png", "img/big/d.png", "js", "js/e.js")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def progress(out: StringIO, verbosity: int = 1) -> Progress:
    return Progress(SimpleNamespace(stdout=OutputWrapper(out), verbosity=verbosity))


def test_a_listing_has_files_and_the_folders_around_them() -> None:
    listing = Listing(NAMES)

    for name in (*NAMES, "img", "img/big", ""):
        assert name in listing
    for name in ("im", "img/bi", "c.png", "js/e.js/"):
        assert name not in listing
    assert listing.list_folder("") == (["img", "js"], ["a.css", "js"])
    assert listing.list_folder("img") == (["big"], ["b.png"])
    assert listing.list_folder("nothing") == ([], [])


def test_a_folder_goes_with_its_last_file() -> None:
    listing = Listing(NAMES)

    listing.discard("img/big/c.png")
    assert "img/big" in listing
    listing.discard("img/big/d.png")
    assert "img/big" not in listing
    assert "img" in listing
    listing.discard("js/e.js")
    assert listing.list_folder("") == (["img"], ["a.css", "js"])
    for name in ("a.css", "img/b.png", "js", "never/there"):
        listing.discard(name)
    assert listing.list_folder("") == ([], [])
    assert "img" not in listing


def test_contents_are_held_until_they_are_discarded() -> None:
    held = Held()
    for name, data in (("a", b"one"), ("b", b"two"), ("a", b"three"), ("c", b"")):
        held.put(name, data, facts_of_bytes(data))
    held.discard("b")
    held.discard("never")

    assert {name: held.get(name) for name in held} == {"a": b"three", "c": b""}
    assert "b" not in held
    held.clear()
    assert list(held) == []


def test_contents_that_are_put_again_and_again_take_no_more_room() -> None:
    held = Held()
    data = bytes(1000)
    for _ in range(10):
        held.put("a", data, facts_of_bytes(data))

    assert held._file.seek(0, 2) == len(data)
    held.clear()


def test_facts_are_size_and_md5() -> None:
    expected = Facts(4, md5(b"data", usedforsecurity=False).hexdigest())

    assert facts_of_bytes(b"data") == expected


def test_few_uploads_are_under_way_and_few_wait() -> None:
    uploads = Uploads()
    full = threading.Event()
    lock = threading.Lock()
    unfinished, running, most, most_running = 0, 0, 0, 0

    def upload() -> None:
        nonlocal unfinished, running, most_running
        with lock:
            running += 1
            most_running = max(most_running, running)
        assert full.wait(30)
        with lock:
            running -= 1
            unfinished -= 1

    for number in range(5 * WORKERS):
        if number == 2 * WORKERS:
            full.set()
        uploads.submit(upload)
        with lock:
            unfinished += 1
            most = max(most, unfinished)
    uploads.finish()
    uploads.close()

    # What has just been submitted may not have been counted, or not be finished yet.
    assert 2 * WORKERS <= most <= 2 * WORKERS + WORKERS
    assert most_running == WORKERS
    assert unfinished == 0


def test_after_a_failure_nothing_goes_on() -> None:
    uploads = Uploads()
    may_fail = threading.Event()
    done: list[int] = []

    def fail() -> None:
        assert may_fail.wait(30)
        raise OSError("The store does not answer.")

    for _ in range(WORKERS):
        uploads.submit(fail)
    uploads.submit(lambda: done.append(1))
    may_fail.set()

    with pytest.raises(OSError, match="does not answer"):
        uploads.finish()
    before = list(done)
    uploads.submit(lambda: done.append(2))
    uploads.finish()
    uploads.close()
    assert done == [*before, 2]


def test_a_terminal_shows_one_line_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_static_progress, "_TERMINAL_SECS", 0)
    out = Terminal()
    shown = progress(out)

    shown.count_unchanged()
    shown.count_upload(3 * 2**20)
    shown.finish()

    assert out.getvalue() == (
        "\r\x1b[K0 uploaded (0.0 MiB), 1 unchanged"
        "\r\x1b[K1 uploaded (3.0 MiB), 1 unchanged"
        "\r\x1b[K1 uploaded (3.0 MiB), 1 unchanged\n"
    )


def test_a_terminal_is_not_flooded() -> None:
    out = Terminal()
    shown = progress(out)

    for _ in range(1000):
        shown.count_unchanged()

    assert out.getvalue().count("\r") < 100


def test_a_log_gets_the_end_and_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = StringIO()
    shown = progress(out)

    shown.count_unchanged()
    assert out.getvalue() == ""
    monkeypatch.setattr(_static_progress, "_LOG_SECS", 0)
    shown.count_upload(1)
    shown.finish()

    assert out.getvalue() == "1 uploaded (0.0 MiB), 1 unchanged\n" * 2


def test_a_silent_command_stays_silent(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_static_progress, "_TERMINAL_SECS", 0)
    caplog.set_level("INFO", "minimalkv_django")
    out = Terminal()
    shown = progress(out, verbosity=0)

    shown.count_upload(1)
    shown.finish()

    assert out.getvalue() == ""
    assert caplog.messages == [
        "collectstatic: 1 uploaded (0.0 MiB), 0 unchanged",
    ]


def test_nobody_else_is_taken_for_the_command() -> None:
    assert find_caller() is None
