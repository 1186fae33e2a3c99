"""What docs/command-line.md says about `check`."""

from minimalkv.checking import NAMES
from tests.pages import spans, tables

PAGE = "docs/command-line.md"


def test_every_finding_is_documented() -> None:
    (table,) = [table for table in tables(PAGE) if table.header[0] == "finding"]

    documented = [name for row in table.rows for name in spans(row[0])]

    assert sorted(documented) == sorted(NAMES)
    assert table.heading == "What it finds"
