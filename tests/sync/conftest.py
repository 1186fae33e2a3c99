"""What all tests of sync share."""

import pytest

from minimalkv._sync import patience


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, and as often."""
    pauses = (0.001,) * len(patience.PAUSES_SECS)
    monkeypatch.setattr(patience, "PAUSES_SECS", pauses)
