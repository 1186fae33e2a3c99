"""What the system tells about the process that answers for a server."""

from pathlib import Path

from tests.backends.gunicorn import Gunicorn


class Worker:
    """The one worker of a server, which runs on Linux.

    Parameters
    ----------
    server : Gunicorn
        The server.

    Attributes
    ----------
    folder : Path
        Where the system tells.
    """

    def __init__(self, server: Gunicorn) -> None:
        pid = server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert len(children) == 1
        self.folder = Path("/proc", children[0])

    @property
    def most_bytes(self) -> int:
        """The most memory that it had at a time."""
        return self._number("status", "VmHWM") * 1024

    @property
    def own_bytes(self) -> int:
        """The memory that it has now and that belongs to no file."""
        return self._number("smaps_rollup", "Anonymous:") * 1024

    @property
    def open_files(self) -> int:
        """How many files and connections it has open now."""
        return len(list((self.folder / "fd").iterdir()))

    @property
    def written_bytes(self) -> int:
        """What it wrote to files, were they deleted at once, and not to sockets."""
        return self._number("io", "wchar")

    @property
    def cpu_secs(self) -> float:
        """How long it has computed, or the system for it, in all its threads."""
        tasks = (self.folder / "task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def _number(self, table: str, word: str) -> int:
        lines = (self.folder / table).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(word))
