"""What requests cost, in either framework: each has the tests of one class."""

from typing import Any, Protocol

from tests.watched import WatchedStore


class Browser(Protocol):
    """A visitor of a site of either framework."""

    @property
    def cookie(self) -> str: ...
    def sets(self, **values: object) -> Any: ...
    def sees(self) -> dict[str, Any]: ...
    def reads(self, *names: str) -> Any: ...
    def ignores(self) -> Any: ...
    def told_by(self, response: Any) -> tuple[int, bool]: ...


class SessionCosts:
    """Tests with the fixtures ``visitor`` and ``store`` of a framework."""

    def test_a_new_session_costs_one_call(
        self, visitor: Browser, store: WatchedStore
    ) -> None:
        response = visitor.sets(name="Ada")

        assert store.take_calls() == ["put"]
        assert visitor.told_by(response) == (1, True)

    def test_reading_costs_one_call_and_sends_no_cookie(
        self, visitor: Browser, store: WatchedStore
    ) -> None:
        visitor.sets(name="Ada")
        store.take_calls()

        response = visitor.reads("name", "other", "name")

        assert store.take_calls() == ["get_with_meta"]
        assert visitor.told_by(response) == (0, True)

    def test_a_change_costs_one_call_more(
        self, visitor: Browser, store: WatchedStore
    ) -> None:
        visitor.sets(name="Ada")
        store.take_calls()

        visitor.sets(name="Bob")

        assert store.take_calls() == ["get_with_meta", "put"]
        assert visitor.sees() == {"name": "Bob"}

    def test_an_equal_value_sends_the_cookie_and_writes_nothing(
        self, visitor: Browser, store: WatchedStore
    ) -> None:
        visitor.sets(name="Ada")
        store.take_calls()

        response = visitor.sets(name="Ada")

        assert store.take_calls() == ["get_with_meta"]
        assert visitor.told_by(response) == (1, True)
