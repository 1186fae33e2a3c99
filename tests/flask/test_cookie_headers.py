"""Which cookie counts where a browser sends several, and how one is written."""

from datetime import timedelta

import pytest
from flask import Flask, session
from werkzeug.http import dump_cookie, parse_cookie

from tests.flask.visitors import Visitor, cookies, signer


def name_seen(app: Flask, sent: str) -> object:
    seen: list[object] = []
    app.extensions["actions"].append(lambda: seen.append(session.get("name")))
    client = app.test_client(use_cookies=False)
    assert client.get("/", headers={"Cookie": sent}).status_code == 200
    return seen[0]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("session={}", "Ada"),
        ("session={};", "Ada"),
        ("other=1; session={}; more=2", "Ada"),
        ("other=1;session={}", "Ada"),
        ('session="{}"', "Ada"),
        (" session = {} ", "Ada"),
        ("session={}; session=forged", "Ada"),
        ("session=forged; session={}", None),
        ("session=; session={}", None),
        ("session = forged; session={}", None),
        ('session="forged"; session={}', None),
        ("xsession={}", None),
        ("xsession=forged; session={}", "Ada"),
        ("other=session={}", None),
        ('other="; session={}"', None),
        ("Session={}", None),
    ],
)
def test_the_first_cookie_of_the_name_counts_as_in_flask(
    visitor: Visitor, sent: str, name: str | None
) -> None:
    visitor.sets(name="Ada")
    header = sent.format(visitor.cookie)

    is_token = parse_cookie(header).get("session") == visitor.cookie
    assert is_token == (name is not None), "The case is not what Flask makes of it."
    assert name_seen(visitor.app, header) == name


@pytest.mark.parametrize("permanent", [False, True])
def test_the_cookie_is_written_as_werkzeug_writes_it(
    visitor: Visitor, permanent: bool
) -> None:
    visitor.app.config["SESSION_COOKIE_DOMAIN"] = "bücher.example"

    (sent,) = cookies(visitor.sets(name="Ada", _permanent=permanent))

    value = parse_cookie(sent.partition(";")[0])["session"]
    signer().unsign(value)
    expires = sent.partition("Expires=")[2].partition(";")[0]
    assert sent == dump_cookie(
        "session",
        value,
        expires=expires or None,
        domain="bücher.example",
        httponly=True,
    )


def test_the_end_of_a_permanent_cookie_moves_on(visitor: Visitor) -> None:
    ends: list[str] = []
    for days in (1, 2):
        visitor.app.permanent_session_lifetime = timedelta(days=days)
        (sent,) = cookies(visitor.sets(name=days, _permanent=True))
        ends.append(sent.partition("Expires=")[2].partition(";")[0])

    assert ends[0] != ends[1]
