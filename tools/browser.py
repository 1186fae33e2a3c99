"""See to it that the browser tests find a Chromium.

Run as a script it installs one when there is none: through apt for root on a
Debian-like system, else Playwright's own build.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")


def on_path() -> str | None:
    """Return the path of a Chromium that the system has, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def from_playwright() -> str | None:
    """Return the path of Playwright's own Chromium, or None if not downloaded."""
    # Imported late: starting its driver takes longer than all the rest.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find() -> str | None:
    """Return the path of a Chromium to test with, the system's first, or None."""
    return on_path() or from_playwright()


def install_with_apt() -> None:
    """Install Debian's package, if this is root on a system that has apt-get."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (
        ["update", "-qq"],
        ["install", "-qq", "-y", "--no-install-recommends", "chromium"],
    ):
        # apt reads stdin, which may be closed; whether it worked, find() tells.
        subprocess.run(
            [apt, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )


def install_with_playwright() -> None:
    """Let Playwright download its own build, which not every network allows."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)


def main() -> int:
    """Install a Chromium unless there is one, and return the exit code."""
    if find():
        return 0
    print("Installing Chromium for the browser tests ...", flush=True)
    for install in (install_with_apt, install_with_playwright):
        install()
        if find():
            return 0
    print(
        "The browser tests need Chromium, and neither apt nor Playwright could "
        f"install it: put one of {', '.join(NAMES)} on PATH.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
