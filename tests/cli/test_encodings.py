"""What commands print where the output has not got every character."""

import json
import subprocess
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from minimalkv import get_store_from_url
from minimalkv._cli._output import say
from minimalkv.ttl import with_ttl
from tests.cli.running import PROGRAM, printed, program_environment

by_encoding = pytest.mark.parametrize("encoding", ["ascii", "latin-1"])


def output(encoding: str, *arguments: str) -> str:
    """Return what a command prints in an encoding."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        check=False,
        capture_output=True,
        env=program_environment(PYTHONIOENCODING=encoding),
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode(encoding)


@by_encoding
def test_check_prints_what_it_found_in_every_encoding(
    folder: str, encoding: str
) -> None:
    with get_store_from_url(folder) as store:
        with_ttl(store).put("mkv-cache-a", b"value", ttl_secs=60)

    assert "among them 1 of mkv-cache-...." in output(encoding, "check", folder)
    (line,) = output(encoding, "check", "--json", folder).splitlines()
    findings = {one["name"]: one["text"] for one in json.loads(line)["findings"]}
    assert "1 of mkv-cache-…" in findings["foreign-names"]


@by_encoding
def test_plans_of_sync_are_printed_in_every_encoding(
    folder: str, tmp_path: Path, encoding: str
) -> None:
    source = f"{folder}#wrap:urlencode"
    target = f"hfs://{tmp_path}/other#wrap:urlencode"
    printed("put", source, "a €", input=b"value")

    text = output(encoding, "sync", "--dry-run", source, target)

    assert text.startswith("copy a \\u20ac\n")


@by_encoding
def test_what_an_encoding_lacks_is_escaped(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    out = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(out, encoding=encoding))

    say("ä… € \udcff")

    shown = "ä" if encoding == "latin-1" else "\\xe4"
    assert out.getvalue().decode(encoding) == f"{shown}... \\u20ac \\udcff\n"
