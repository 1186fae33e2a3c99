"""A disk whose power can be cut: ext4 in a file, mounted through a loop device.

What the file holds while it is mounted is what a disk would hold if the machine went
out: all that was forced there and what the system wrote by itself, but nothing of what
waits in memory. So a copy of the file, mounted again, is the disk after a power cut.
"""

import filecmp
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_BYTES: Final = 48 * 2**20
_TRIES: Final = 200
_TOOLS: Final = ("mkfs.ext4", "mount", "umount", "losetup")


def lacking() -> str:
    """Return why nothing can be mounted here, or nothing."""
    missing = [name for name in _TOOLS if _program(name) is None]
    if missing:
        return f"not tested: {', '.join(missing)} must be on PATH"
    if os.geteuid() != 0:
        return "not tested: only root may mount (run the tests as root)"
    # A container has a root that may not, or has no loop devices.
    with TemporaryDirectory() as folder:
        for command in (
            ("losetup", "--find"),
            ("mount", "-t", "tmpfs", "tmpfs", folder),
            ("umount", folder),
        ):
            if said := _complaint(*command):
                return f"not tested: {said}"
    return ""


def _complaint(name: str, *arguments: object) -> str:
    """Run a program and return what it says if it fails."""
    done = subprocess.run(
        [_program(name) or name, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stderr.strip() or f"{name} failed") if done.returncode else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")


def run(*command: object) -> None:
    """Run a program, which has to succeed."""
    name, *arguments = map(str, command)
    said = _complaint(name, *arguments)
    assert not said, f"{command}: {said}"


class Disk:
    """An image of ext4, mounted.

    Parameters
    ----------
    folder : Path
        Where the image and its copies are.

    Attributes
    ----------
    root : Path
        Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self._image = folder / "image"
        self.root = folder / "mounted"
        self.root.mkdir()
        with self._image.open("wb") as image:
            image.truncate(_BYTES)
        run("mkfs.ext4", "-q", "-F", self._image)
        _mount(self._image, self.root)

    @contextmanager
    def cut(self) -> Iterator[Path]:
        """Yield the folder where the disk is mounted as a power cut leaves it.

        Nobody may write meanwhile. The system may, by itself, and then the copy would
        hold some of it and not what came before: so it is made until two are equal.
        """
        first, second = (self._image.with_name(f"cut-{n}") for n in (1, 2))
        for _ in range(_TRIES):
            shutil.copyfile(self._image, first)
            shutil.copyfile(self._image, second)
            if filecmp.cmp(first, second, shallow=False):
                break
        else:
            raise AssertionError("Somebody writes to the disk all the time.")
        after = self._image.with_name("after")
        after.mkdir(exist_ok=True)
        _mount(first, after)  # replays the journal
        try:
            yield after
        finally:
            run("umount", after)

    def close(self) -> None:
        run("umount", self.root)


def _mount(image: Path, folder: Path) -> None:
    run("mount", "-t", "ext4", "-o", "loop", image, folder)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    made = Disk(folder)
    try:
        yield made
    finally:
        made.close()
