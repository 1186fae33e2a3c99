"""What other processes do in the tests: ``python -m tests.workers NAME ARGUMENTS``.

Each works on a store URL, so that one test serves every store that processes share.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from minimalkv import KeyExists, PreconditionFailed, get_store_from_url
from minimalkv.sessions import SessionManager

_ROOT = Path(__file__).parent.parent


def start(name: str, *args: object) -> subprocess.Popen[str]:
    """Start a worker; the caller waits for it or kills it."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.workers", name, *map(str, args)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_all(name: str, how_many: int, *args: object) -> list[str]:
    """Run several workers at once and return what each printed."""
    workers = [start(name, number, *args) for number in range(how_many)]
    printed = [worker.communicate(timeout=120)[0].strip() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * how_many
    return printed


def signed(number: int, size: int) -> bytes:
    """Make a value that tells whether it is whole: its hash stands before it."""
    body = number.to_bytes(8, "big") * (size // 8)
    return hashlib.sha256(body).digest() + body


def is_whole(value: bytes) -> bool:
    """Tell whether a value is one that `signed` made."""
    return hashlib.sha256(value[32:]).digest() == value[:32]


def update(number: str, url: str, times: str) -> None:
    """Increment a number many times."""
    del number
    store = get_store_from_url(url)
    for _ in range(int(times)):
        store.update("counter", lambda old: b"%d" % (int(old or b"0") + 1))


def create(number: str, url: str, rounds: str) -> None:
    """Try to be the first in many rounds; print how often it was."""
    store = get_store_from_url(url)
    wins = 0
    for round_number in range(int(rounds)):
        try:
            store.put(f"round-{round_number}", number.encode(), if_absent=True)
        except KeyExists:
            continue
        wins += 1
    print(wins)


def replace(number: str, url: str, etag: str) -> None:
    """Try to replace one version; print whether it could."""
    store = get_store_from_url(url)
    try:
        store.put("versioned", number.encode(), if_match=etag)
    except PreconditionFailed:
        print(0)
    else:
        print(1)


def change_session(number: str, url: str, session_id: str, times: str) -> None:
    """Change other keys of one session many times, and increment one together."""
    manager = SessionManager(get_store_from_url(url))
    for step in range(int(times)):
        session = manager.open(session_id)
        session.data[f"{number}-{step}"] = step
        session.save()
        manager.atomic(session_id, lambda data: data.update(n=data["n"] + 1))


def use_cache(number: str, url: str, prefix: str, times: str) -> None:
    """Count in a cache many times, and print how often it was the first to add."""
    cache = _cache(url, prefix)
    wins = 0
    for turn in range(int(times)):
        wins += cache.add(f"key-{turn}", [number])
        cache.incr("count")
        wins += cache.add("contended", [number])
    print(wins)


def _cache(url: str, prefix: str) -> Any:
    # Not everybody who starts a worker has Django's settings.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django.settings")
    from minimalkv_django.cache import KVCache

    return KVCache(url, {"KEY_PREFIX": prefix})


def put_for_ever(url: str, size: str) -> None:
    """Put whole values under one key until killed."""
    store = get_store_from_url(url)
    print("ready", flush=True)
    for number in count():
        store.put("victim/a", signed(number, int(size)))


_WORKERS: dict[str, Callable[..., None]] = {
    worker.__name__: worker
    for worker in (
        update,
        create,
        replace,
        change_session,
        use_cache,
        put_for_ever,
    )
}

if __name__ == "__main__":
    _WORKERS[sys.argv[1]](*sys.argv[2:])
    # Without the interpreter's clean-up: what counts is on disk by now.
    sys.stdout.flush()
    os._exit(0)
