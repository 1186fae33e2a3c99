"""That the reader of the quickstarts passes over nothing, and notices what is wrong."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.docs.reader import follow
from tests.docs.terminal import Terminal, environment
from tests.docs.test_quickstarts import as_pattern
from tests.docs.typed import Change, Command, Sample, Stop, Visit, Write, steps
from tests.pages import QUICKSTARTS, blocks, read

PAGE = """# Quickstart

```sh
mkdir shop
cd shop
```

Write `app.py`:

```python
one = 1
```

Add to the end of `app.py`:

```python
two = 2
```

In another terminal:

```sh
ls
```

```text
app….py
```

1. Open <http://127.0.0.1:8000/>: it says
   `Visit 1`.
2. Reload: `Visit 2`.

Now stop the server. In `app.py`, write `3` instead of `2`.

```python
STORES = {}
```
"""


def test_every_part_of_a_page_is_a_step() -> None:
    assert list(steps(PAGE)) == [
        Command(["mkdir shop", "cd shop"], "", in_another_terminal=False),
        Write("app.py", "one = 1\n", adds=False),
        Write("app.py", "two = 2\n", adds=True),
        Command(["ls"], "app….py\n", in_another_terminal=True),
        Visit("Open <http://127.0.0.1:8000/>: it says `Visit 1`."),
        Visit("Reload: `Visit 2`."),
        Stop(),
        Change("app.py", "3", "2"),
        Sample("STORES = {}\n"),
    ]


@pytest.mark.parametrize("page", QUICKSTARTS)
def test_every_block_of_a_quickstart_is_a_step(page: str) -> None:
    taken = [s for s in steps(read(page)) if not isinstance(s, Stop | Change | Visit)]
    assert len(taken) == sum(b.language != "text" for b in blocks(page))
    assert sum(isinstance(step, Visit) for step in steps(read(page))) > 4


@pytest.mark.parametrize(
    "told",
    [
        "Open <http://127.0.0.1:1/>",
        "Dance: `Visit 1`.",
        "Reload: you will like it.",
        "Reload: `Visit 2`.",
        "Reload: the image.",
    ],
)
def test_what_cannot_be_done_or_seen_fails(browser: Browser, told: str) -> None:
    with browser.new_context() as context:
        page: Page = context.new_page()
        page.set_content("<h1>Visit 1</h1>")
        with pytest.raises(AssertionError):
            follow(page, told, within_secs=0.1)


def test_a_line_that_fails_fails(tmp_path: Path) -> None:
    with Terminal(tmp_path, environment(tmp_path)) as terminal:
        assert terminal.run("echo one; echo two >&2") == "one\ntwo\n"
        assert terminal.folder() == tmp_path.resolve()
        with pytest.raises(AssertionError, match="nothing"):
            terminal.run("ls nothing")
        with pytest.raises(AssertionError, match="ended"):
            terminal.run("exit 3")


def test_dots_stand_for_what_is_on_their_line_only() -> None:
    assert as_pattern("a….png\n\n1\n") == "a.+\\.png\\\n1"
