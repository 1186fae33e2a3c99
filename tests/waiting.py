"""Waiting for what happens by itself."""

import threading
import time
from collections.abc import Callable

# Some tests have `time.sleep` do nothing, so that retries are quick.
_nobody_comes = threading.Event()


def wait_until(is_so: Callable[[], bool], within_secs: float = 60) -> None:
    """Look until something is so; a busy machine may take its time."""
    end = time.monotonic() + within_secs
    while not is_so():
        assert time.monotonic() < end, f"It did not come about in {within_secs} s."
        _nobody_comes.wait(0.02)
