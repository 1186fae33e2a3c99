"""What is tested of the documentation: the site, and the pages as users read them."""

from pathlib import Path

import pytest

from tests.browser.conftest import browser
from tests.test_wheel import build

__all__ = ["browser"]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel of this tree, as an index has it."""
    return build("wheel", tmp_path_factory.mktemp("wheels")).parent
