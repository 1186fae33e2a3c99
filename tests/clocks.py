"""Clocks that the tests set."""


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self, secs: float = 1_800_000_000.0) -> None:
        self.secs = secs

    def __call__(self) -> float:
        return self.secs

    def advance(self, secs: float) -> None:
        self.secs += secs
