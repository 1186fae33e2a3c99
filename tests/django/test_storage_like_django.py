"""Whatever is done with files, they are those that a storage of Django has."""

import tempfile
from collections.abc import Callable
from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from hypothesis import given
from hypothesis import strategies as st

from minimalkv import get_store_from_url
from minimalkv_django.storage import KVStorage

_FILES: Final = ("a.txt", "b.tar.gz", "d/a.txt", "d/e/\xfc.txt", "d/e/f/g")
_FOLDERS: Final = ("", "d", "d/e", "d/e/f")
_Names = dict[str, str]


def _save(storage: Storage, names: _Names, name: str, data: str) -> None:
    # The suffixes are at random, so a file is told by how often there was one.
    number = sum(known.startswith(f"{name}#") for known in names)
    names[f"{name}#{number}"] = storage.save(name, ContentFile(data, name=name))


def _write(storage: Storage, names: _Names, name: str, data: str) -> None:
    # In Django, opening makes no folder.
    if storage.exists(name):
        with storage.open(name, "w") as file:
            file.write(data)


def _delete(storage: Storage, names: _Names, name: str, data: str) -> None:
    del data
    storage.delete(names.get(f"{name}#0", name))


_STEPS: Final[tuple[Callable[[Storage, _Names, str, str], None], ...]] = (
    _save,
    _write,
    _delete,
)


def _state(storage: Storage, names: _Names) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {name: label for label, name in names.items()}
    for name, label in known.items():
        if storage.exists(name):
            with storage.open(name) as file:
                found[label] = (storage.size(name), file.read())
    for folder in _FOLDERS:
        # One without files is there for Django, and not for us.
        files = storage.listdir(folder)[1] if storage.exists(folder) else []
        found[folder] = {known[f"{folder}/{file}".lstrip("/")] for file in files}
    return found


@given(
    st.lists(
        st.tuples(st.sampled_from(_STEPS), st.sampled_from(_FILES), st.text("x\xfc"))
    )
)
def test_files_are_those_of_django(
    steps: list[tuple[Callable[..., None], str, str]],
) -> None:
    states = []
    with tempfile.TemporaryDirectory() as folder:
        ours = KVStorage(get_store_from_url("hmemory://"))
        for storage in (ours, FileSystemStorage(folder)):
            names: _Names = {}
            for step, name, data in steps:
                step(storage, names, name, data)
            states.append(_state(storage, names))

    assert states[0] == states[1]
