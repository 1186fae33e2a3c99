"""What S3, Azure and Google Cloud Storage have in common."""

from collections.abc import Iterator
from typing import Any


def names_in(store: Any) -> Iterator[tuple[str, bool]]:
    """Yield the names of all objects, and whether each is that of a key."""
    for page in store._pages(""):
        for name, _ in page.objects:
            key = store._readable_key(name, "")
            yield (name if key is None else key), key is not None
