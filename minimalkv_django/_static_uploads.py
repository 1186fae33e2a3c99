"""Values on their way to the store: several at once, and few of them in memory."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

WORKERS: Final = 8
"""How many uploads are under way at once; as many more may wait in memory."""


class Uploads:
    """Uploads that are under way, and wait, in threads."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._pending: deque[Future[object]] = deque()

    def submit(self, upload: Callable[[], object]) -> None:
        """Let a function be called; waits while too many others have to be.

        Raises
        ------
        Exception
            What an earlier one raised; then none is under way any more.
        """
        self._wait_for_all_but(2 * WORKERS - 1)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(WORKERS, "minimalkv-static")
        self._pending.append(self._pool.submit(upload))

    def finish(self) -> None:
        """Wait for all of them, and raise what the first that failed raised."""
        self._wait_for_all_but(0)

    def _wait_for_all_but(self, count: int) -> None:
        try:
            while len(self._pending) > count:
                self._pending.popleft().result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Wait for those under way, and drop the others."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._pending.clear()
