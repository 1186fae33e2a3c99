"""``minimalkv check``, and the same in both frameworks."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from django.core.management import CommandError, call_command
from flask import Flask
from pytest_django import Settings

from minimalkv_flask import MinimalKV
from tests.backends.process import HOST, free_ports
from tests.backends.redis import RedisServer
from tests.cli.running import run


def lines(result: Result) -> list[str]:
    assert not result.stderr, result.stderr
    return result.stdout.splitlines()


def test_a_store_that_is_well_is_a_line_for_each_finding() -> None:
    result = run("check", "memory://")

    assert result.exit_code == 0
    first, *found, last = lines(result)
    assert first == "memory://"
    assert found[0] == "  ✓ url           It opens <DictStore>."
    assert {line[:3] for line in found} == {"  ✓"}
    assert last.startswith(f"{len(found)} ok, ")
    assert last.endswith(" s")


def test_what_failed_is_told_with_its_cure_and_the_rest_in_short() -> None:
    (port,) = free_ports(1)

    result = run("check", f"redis://:hidden@{HOST}:{port}/0")

    assert result.exit_code == 1
    first, *found, last = lines(result)
    assert first == f"redis://***@{HOST}:{port}/0"
    (at,) = [number for number, line in enumerate(found) if line[2] == "✗"]
    assert found[at].startswith(f"  ✗ connect       {HOST}:{port} refuses")
    assert found[at + 1] == " " * 18 + (
        "→ Start the server, or correct the port in the URL."
    )
    assert found[at + 2].startswith("  · 18 others     Not looked at: see 'connect'.")
    assert "write, read, delete" in found[at + 2]
    assert last.startswith("1 failed, 3 ok, 18 skipped, ")
    assert "hidden" not in result.output


def test_a_terminal_without_the_marks_gets_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from minimalkv._cli import checking

    monkeypatch.setattr(checking, "_can_print", lambda: False)

    result = run("check", "nope://", "memory://")

    assert result.output.isascii()
    assert result.exit_code == 1
    assert "  x url           Unknown scheme 'nope'." in result.output
    assert " > Correct the URL" in result.output
    assert "  + url           It opens <DictStore>." in result.output


def test_programs_get_a_json_object_a_line(tmp_path: Path) -> None:
    result = run("check", "--json", "memory://", f"hfs://{tmp_path}/no", "nope://")

    found = [json.loads(line) for line in lines(result)]
    assert [one["ok"] for one in found] == [True, True, False]
    assert found[2]["findings"][0]["status"] == "failed"
    assert result.exit_code == 1


def test_the_environment_may_have_the_url(redis_server: RedisServer) -> None:
    url = redis_server.url()

    result = run("check", "env:STORE", env={"STORE": url})

    assert result.exit_code == 0
    assert lines(result)[0].startswith("hredis://***@")
    assert redis_server.credentials.secret not in result.output


def test_read_only_and_timeout_are_passed_on() -> None:
    result = run("check", "--read-only", "--timeout", "3", "memory://")
    assert "nothing shall be written" in result.output
    assert result.exit_code == 0

    assert run("check", "--timeout", "0", "memory://").exit_code == 2


def test_without_a_store_it_is_wrong_usage() -> None:
    result = run("check")

    assert result.exit_code == 2
    assert "Name at least one store" in result.stderr


# In the frameworks.


def site(tmp_path: Path) -> Flask:
    app = Flask(__name__)
    app.secret_key = "a secret key"
    app.config["MINIMALKV_STORES"] = {
        "default": "memory://",
        "photos": f"hfs://{tmp_path}/photos?create_if_missing=false",
        "wrong": "nope://",
    }
    MinimalKV(app)
    return app


def test_flask_looks_at_every_store_that_is_configured(tmp_path: Path) -> None:
    runner = site(tmp_path).test_cli_runner()

    result = runner.invoke(args=["kv", "check"])

    assert result.exit_code == 1
    heads = [line for line in lines(result) if line[0] not in " 0123456789"]
    assert [head.partition(":")[0] for head in heads] == [
        "default",
        "photos",
        "wrong",
        "sessions of this site",
    ]
    assert "Unknown scheme 'nope'" in result.output
    assert f"mkdir -p {tmp_path}/photos" in result.output
    assert not list(tmp_path.iterdir())

    only = runner.invoke(args=["kv", "check", "default", "memory://"])
    assert only.exit_code == 0
    heads = [line for line in lines(only) if line[0] not in " 0123456789"]
    assert heads == ["default: <DictStore>", "memory://"]


def test_django_looks_at_every_store_that_is_configured(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = f"hfs://{tmp_path}/photos?create_if_missing=false"
    settings.MINIMALKV_STORES = {"default": "memory://", "photos": missing}

    with pytest.raises(CommandError):
        call_command("minimalkv", "check")

    output = capsys.readouterr().out
    assert "default: <DictStore>\n" in output
    assert "Mount it" in output
    assert "sessions of this site: <DictStore>" in output

    call_command("minimalkv", "check", "default", "--json")
    assert json.loads(capsys.readouterr().out)["store"] == "default: <DictStore>"
