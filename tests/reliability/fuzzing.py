"""How the fuzzers vary what they try: few examples, and many in the long form."""

from typing import Any, Final

import pytest
from hypothesis import strategies as st

QUICK: Final = 30
LONG: Final = 2_000

_STEPS: Final = st.tuples(
    st.sampled_from(["flip", "cut", "insert", "repeat"]),
    st.floats(0, 1, exclude_max=True),
    st.binary(min_size=1, max_size=4) | st.sampled_from([b"{", b'"', b"-", b"\r\n"]),
)


def examples() -> Any:
    """Return a fixture: how many examples a test tries."""

    @pytest.fixture(
        params=[
            pytest.param(QUICK, id="quick"),
            pytest.param(LONG, id="long", marks=pytest.mark.stress),
        ]
    )
    def examples(request: pytest.FixtureRequest) -> int:
        number: int = request.param
        return number

    return examples


def damaged(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draw bytes to which something has happened."""
    return st.builds(_damage, values, st.lists(_STEPS, min_size=1, max_size=4))


def _damage(data: bytes, steps: list[tuple[str, float, bytes]]) -> bytes:
    for verb, share, other in steps:
        place = int(len(data) * share)
        before, after = data[:place], data[place:]
        if verb == "flip":
            after = bytes(byte ^ other[0] for byte in after[:1]) + after[1:]
        elif verb == "cut":
            after = after[len(other) ** 3 :]
        elif verb == "insert":
            after = other + after
        else:
            after = after[: len(other) * 5] + after
        data = before + after
    return data
