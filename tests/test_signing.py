"""The tokens of sessions are those of itsdangerous, made in less time."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer

from minimalkv._sessions.shelf import new_id
from minimalkv._signing import session_tokens

SALT = "minimalkv.session"
secrets = st.text(min_size=1).map(str.encode) | st.binary(min_size=1)


@given(secrets, st.lists(secrets), st.booleans())
def test_itsdangerous_reads_and_writes_the_same_tokens(
    secret: bytes, fallbacks: list[bytes], permanent: bool
) -> None:
    session_id = new_id()
    value = f"p{session_id}" if permanent else session_id
    signer = Signer([*fallbacks, secret], salt=SALT, digest_method=sha256)
    tokens = session_tokens(secret, fallbacks)

    token = tokens.sign(session_id, permanent)

    assert signer.sign(value).decode() == token
    assert tokens.read(token) == (session_id, permanent)
    assert tokens.renewed(token, session_id, permanent) == token


def test_a_former_key_is_accepted_and_replaced() -> None:
    session_id = new_id()
    old = session_tokens("old").sign(session_id)
    tokens = session_tokens("new", ["older", "old"])

    assert tokens.read(old) == (session_id, False)
    assert tokens.renewed(old, session_id, False) == session_tokens("new").sign(
        session_id
    )
    assert session_tokens("new").read(old) == (None, False)


def test_no_other_text_is_a_token() -> None:
    session_id = new_id()
    tokens = session_tokens("secret")
    token = tokens.sign(session_id)
    mark_added = f"p{token}"
    others = {token[:at] + c + token[at + 1 :] for at in range(87) for c in "A.="}
    others |= {mark_added, token[:-1], f"{token}\n", f" {token}", token.upper(), ""}

    for other in others - {token}:
        assert tokens.read(other) == (None, False)


@pytest.mark.parametrize("secret", ["text", b"text"])
def test_a_secret_may_be_text_or_bytes(secret: str | bytes) -> None:
    session_id = new_id()

    assert session_tokens(secret).sign(session_id) == session_tokens("text").sign(
        session_id
    )


def test_no_secret_shows() -> None:
    tokens = session_tokens("hunter2", ["hunter1"])

    assert "hunter" not in repr(tokens) + str(vars(tokens))
