"""README's first command, as somebody types it who has just cloned the repository."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.backends.process import free_ports
from tests.docs.terminal import Terminal, environment
from tests.pages import ROOT, blocks


@pytest.mark.stress
def test_make_run_serves_the_site_in_a_fresh_clone(
    browser: Browser, tmp_path: Path
) -> None:
    copy_into(tmp_path)
    shell = next(b.text for b in blocks("README.md") if b.language == "sh")
    line = shell.splitlines()[0].partition("#")[0].strip()
    assert line == "make run"
    (port,) = free_ports(1)
    command = (tmp_path / "Makefile").read_text()
    served = command.replace("-m example_site ", f"-m example_site --port {port} ")
    assert served != command
    (tmp_path / "Makefile").write_text(served)
    with Terminal(tmp_path, environment(tmp_path), within_secs=600) as terminal:
        terminal.serve(line, port)
        with browser.new_context(base_url=f"http://127.0.0.1:{port}") as context:
            page = context.new_page()
            page.goto("/")
            expect(page.get_by_role("link", name=re.compile("Sign in"))).to_be_visible()
        assert (tmp_path / "data").is_dir() or (tmp_path / "instance").is_dir()


def copy_into(folder: Path) -> None:
    """Copy what a clone has; what is not committed yet is among it."""
    git = shutil.which("git")
    assert git
    listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(
        [git, *listed], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
