"""What the tests of sessions do again and again."""

from minimalkv import StoreUnavailable, get_store_from_url
from minimalkv.sessions import Session, SessionManager
from tests import workers

LIFETIME = 1000.0


def begin(manager: SessionManager, **data: object) -> str:
    """Store a new session and return its id."""
    session = manager.open()
    session.data.update(data)
    assert session.save()
    return session.id


def use(manager: SessionManager, session_id: str, **data: object) -> Session:
    session = manager.open(session_id)
    session.data.update(data)
    session.save()
    return session


def sign_in(manager: SessionManager, user: object, **data: object) -> str:
    """Bind a new session to a user and return its id."""
    session = manager.open(begin(manager, **data))
    session.bind(user)
    session.regenerate()
    session.save()
    return session.id


def fail() -> None:
    raise StoreUnavailable("It does not answer.")


def check_two_processes(url: str, times: int) -> None:
    """Let two processes change other keys of one session, and one together."""
    with get_store_from_url(url) as store:
        manager = SessionManager(store)
        session_id = begin(manager, n=0)

        workers.run_all("change_session", 2, url, session_id, times)

        data = manager.open(session_id).data
    assert data.pop("n") == 2 * times, "An increment by atomic was lost."
    assert len(data) == 2 * times
