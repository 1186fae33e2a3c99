"""Folders: rights, mounts, and disks that are full."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from minimalkv.checking import Finding, Report, check
from tests.checking.looking import cause, looked_at, one, statuses

ROOT: Final = Path(__file__).parents[2]
NOBODY: Final = 65534

# Where a user of their own, a limit or a mount is needed, so is a process.
CHECK_THERE: Final = """
import os, resource, signal, sys
url, uid, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
from minimalkv.checking import check
import minimalkv.fs, minimalkv._checking.of_fs
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
if uid:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
text = check(url).to_json()
os.write(1, text.encode())
"""


def looked_at_there(url: str, *, uid: int = 0, limit: int = 0) -> Report:
    """Check a store in another process: as a user, or with a limit of file sizes."""
    command = [sys.executable, "-c", CHECK_THERE, url, str(uid), str(limit)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    found = json.loads(done.stdout)
    findings = tuple(Finding(**each) for each in found["findings"])
    return Report(found["store"], findings, found["seconds"])


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that any user can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir()
        yield data


def as_somebody_else(folder: Path, mode: int) -> Report:
    """Check a folder as a user who has no more than its mode gives to others."""
    folder.chmod(mode)
    try:
        # Root may do everything whatever a mode says.
        return looked_at_there(f"hfs://{folder}", uid=0 if os.getuid() else NOBODY)
    finally:
        folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_told() -> None:
    with open_folder() as folder:
        report = as_somebody_else(folder, 0o555)

    found = one(report, "folder")
    assert found.status == "failed"
    assert "no write permission" in found.text
    assert "chown" in found.cure
    assert one(report, "write").status == "failed"
    assert "-wx on the folder" in one(report, "write").cure
    assert one(report, "read").status == one(report, "list").status == "ok"


def test_a_folder_that_cannot_be_listed_is_told() -> None:
    with open_folder() as folder:
        report = as_somebody_else(folder, 0o333)

    assert "no read permission" in one(report, "folder").text
    assert one(report, "list").status == "failed"
    assert "r-x on the folder" in one(report, "list").cure


def test_a_folder_that_cannot_be_made_is_told() -> None:
    with open_folder() as folder:
        folder.chmod(0o555)
        uid = 0 if os.getuid() else NOBODY
        report = looked_at_there(f"hfs://{folder}/values", uid=uid)
        folder.chmod(0o755)

    told = cause(report, "folder")
    assert "cannot be made either" in told
    assert "mkdir -p" in told


def test_a_disk_that_takes_no_more_is_told(tmp_path: Path) -> None:
    report = looked_at_there(f"hfs://{tmp_path}", limit=8)

    told = cause(report, "write")
    assert "larger than the limit" in told
    assert "ulimit -f" in told
    assert not list(tmp_path.glob("mkv-*"))


@contextmanager
def full_disk() -> Iterator[Path | None]:
    """Mount a disk of 64 KiB and fill it; None where this process may not."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as mounted:
        command = ["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", name]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            yield None
            return
        mounted.callback(subprocess.run, ["/bin/umount", name], check=True)
        with (
            Path(name, "full").open("wb", buffering=0) as file,
            suppress(OSError),
        ):
            while True:
                file.write(b"-" * 4096)
        yield Path(name)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with full_disk() as folder:
        if folder is None:
            # As much as a process can do to itself that is not root.
            assert looked_at_there(f"hfs://{tmp_path}", limit=8).find("write")
            return
        report = looked_at(f"hfs://{folder}")

    assert "The disk is full" in one(report, "space").text
    written = one(report, "write")
    assert "the disk is full" in written.text
    assert written.cure.startswith("Free space")
    assert {one(report, "space").status, written.status} == {"failed"}


class _Disk(NamedTuple):
    f_frsize: int
    f_blocks: int
    f_bavail: int
    f_files: int
    f_favail: int
    f_flag: int = 0


@pytest.mark.parametrize(
    ("disk", "status", "words"),
    [
        (_Disk(4096, 10**6, 0, 10**6, 5), "failed", "The disk is full"),
        (_Disk(4096, 10**6, 5000, 10**6, 5), "warning", "almost full"),
        (_Disk(4096, 10**6, 10**5, 10**6, 0), "failed", "no inodes"),
        (_Disk(4096, 10**6, 10**6, 10**6, 5), "ok", "are free"),
        (_Disk(4096, 10**6, 10**5, 0, 0), "ok", "are free"),
    ],
)
def test_the_room_that_is_left_is_judged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    disk: _Disk,
    status: str,
    words: str,
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: disk)

    found = one(looked_at(f"hfs://{tmp_path}"), "space")

    assert found.status == status
    assert words in found.text
    assert bool(found.cure) is (status != "ok")


def test_a_folder_that_is_missing_is_made_by_the_first_put_only(tmp_path: Path) -> None:
    report = check(f"hfs://{tmp_path}/a/b")

    found = one(report, "folder")
    assert found.status == "warning"
    assert "is not there" in found.text
    assert "mounted" in found.cure
    assert report.ok
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_not_mounted_is_told(tmp_path: Path) -> None:
    report = check(f"hfs://{tmp_path}/disk?create_if_missing=false")

    assert "Mount it" in cause(report, "folder")
    assert one(report, "write").status == "skipped"


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")

    assert "is no folder" in cause(check(f"hfs://{tmp_path}/file"), "folder")
    assert "cannot be looked at" in cause(check(f"hfs://{tmp_path}/link"), "folder")


def test_without_fsync_it_says_so(tmp_path: Path) -> None:
    found = one(looked_at(f"hfs://{tmp_path}?fsync=false"), "fsync")

    assert found.status == "ok"
    assert "power cut" in found.text


def test_what_is_no_value_is_told(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "ä").write_bytes(b"")
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "value").write_bytes(b"")

    flat = one(looked_at(f"fs://{tmp_path}"), "foreign-names")
    deep = one(looked_at(f"hfs://{tmp_path}"), "foreign-names")

    assert flat.status == deep.status == "warning"
    assert "Looked at 4 names. 3 can be no key" in flat.text
    assert "2 can be no key" in deep.text
    assert "'ä'" in deep.text
    assert statuses(looked_at(f"fs://{tmp_path}"))["list"] == "ok"


def test_what_is_no_value_is_told_of_folders_too(tmp_path: Path) -> None:
    (tmp_path / "below" / "deep").mkdir(parents=True)
    (tmp_path / "below" / "deep" / "link").symlink_to("elsewhere")
    (tmp_path / "below" / "value").write_bytes(b"")

    flat = one(looked_at(f"fs://{tmp_path}"), "foreign-names")
    deep = one(looked_at(f"hfs://{tmp_path}"), "foreign-names")

    assert "Looked at 1 names. 1 can be no key" in flat.text
    assert "Looked at 4 names. 1 can be no key" in deep.text
    assert "'below/deep/link'" in deep.text
