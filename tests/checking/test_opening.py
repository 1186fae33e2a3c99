"""URLs that open no store, and stores whose packages are missing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from minimalkv import InvalidArgument
from minimalkv.checking import check
from tests.checking.looking import cause, statuses

ROOT: Final = Path(__file__).parents[2]

# A name that is None there cannot be imported.
CHECK_WITHOUT: Final = """
import sys
sys.modules[sys.argv[1]] = None
from minimalkv.checking import check
print(check(sys.argv[2]).to_json())
"""


@pytest.mark.parametrize(
    ("package", "url", "extra"),
    [
        ("redis", "redis://localhost/0", "redis"),
        ("botocore", "s3://key:secret@localhost/bucket", "s3"),
        ("azure", "azure://account:a2V5@box", "azure"),
        ("google", "gcs://bucket", "gcs"),
    ],
)
def test_a_missing_extra_is_told_with_the_command(
    package: str, url: str, extra: str
) -> None:
    command = [sys.executable, "-c", CHECK_WITHOUT, package, url]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    found = json.loads(done.stdout)["findings"]

    assert [(one["name"], one["status"]) for one in found] == [
        ("url", "ok"),
        ("extra", "failed"),
    ]
    assert "not installed" in found[1]["text"]
    assert found[1]["cure"] == f"pip install 'minimalkv[{extra}]'"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://key:secret@localhost/bucket?is_sceure=false", "is_secure"),
        ("redis://localhost/0?fsync=true", "Unknown option 'fsync'"),
        ("rediss3://localhost", "Unknown scheme 'rediss3'"),
        ("redis://localhost/0?timeout=soon", "'timeout' has to be"),
        ("redis://localhost/0#wrap:nothing", "nothing"),
        ("no url at all", "A store URL has a scheme"),
        ("s3://", "bucket"),
    ],
)
def test_what_is_wrong_with_a_url_is_told(url: str, words: str) -> None:
    report = check(url)

    assert words in cause(report, "url")
    assert statuses(report) == {"url": "failed"}
    assert "secret" not in report.to_json()


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_time_that_is_none_is_refused(timeout: float) -> None:
    with pytest.raises(InvalidArgument, match="timeout is more than 0 seconds"):
        check("memory://", timeout=timeout)


def test_google_without_credentials_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no.json"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    told = cause(check("gcs://bucket"), "credentials")

    assert "no.json" in told
    assert "gcloud" in told
    assert os.environ["https_proxy"] == "http://127.0.0.1:1"
