"""How the tests of reliability tell their figures."""

from collections.abc import Callable

import pytest

from tests.conftest import FIGURES


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that has a line printed at the end of the run."""

    def tell(line: str) -> None:
        name = request.node.nodeid.rpartition("/")[2]
        request.node.user_properties.append((FIGURES, f"{name}: {line}"))

    return tell
