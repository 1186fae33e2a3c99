"""The files of models: Django opens, replaces, measures and deletes them."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import models
from django.test.utils import isolate_apps

from minimalkv_django.storage import KVStorage
from tests.django.storages import read


@pytest.fixture
def document(storage: KVStorage) -> Iterator[Any]:
    """Return an instance of a model with a file field, which is in no database."""
    with isolate_apps("tests.django"):

        class Document(models.Model):
            file = models.FileField(storage=storage, upload_to="docs", max_length=40)

            class Meta:
                app_label = "tests"

        yield Document()


def test_a_field_saves_its_file(document: Any, storage: KVStorage) -> None:
    document.file.save("a b.txt", ContentFile("gr\xfcn"), save=False)

    assert document.file.name == "docs/a_b.txt"
    assert document.file.size == 5
    assert document.file.read() == "gr\xfcn".encode()
    document.file.close()
    assert read(storage, "docs/a_b.txt") == "gr\xfcn".encode()


def test_a_field_saves_what_is_assigned(document: Any, storage: KVStorage) -> None:
    document.file = ContentFile(b"1", name="a.txt")
    assert document._meta.get_field("file").pre_save(document, add=True)

    assert document.file.name == "docs/a.txt"
    assert read(storage, "docs/a.txt") == b"1"


def test_a_field_has_room_for_the_name(document: Any) -> None:
    for _ in range(2):
        document.file.save("a" * 100 + ".txt", ContentFile(b""), save=False)
        assert len(document.file.name) == 40


def test_a_file_of_a_field_is_opened_again_for_writing(
    document: Any, storage: KVStorage
) -> None:
    document.file.save("a.txt", ContentFile(b"old"), save=False)
    with document.file.open() as file:
        assert file.read() == b"old"
    opened = document.file.file

    with document.file.open("wb") as file:
        file.write(b"new")
    assert document.file.file is opened
    assert read(storage, "docs/a.txt") == b"new"
    with document.file.open("r") as file:
        assert file.read() == "new"


def test_a_field_that_fails_to_be_written_keeps_its_file(
    document: Any, storage: KVStorage
) -> None:
    document.file.save("a.txt", ContentFile(b"old"), save=False)

    def use() -> None:
        with document.file.open("wb") as file:
            file.write(b"part")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert read(storage, "docs/a.txt") == b"old"


def test_a_field_deletes_its_file(document: Any, storage: KVStorage) -> None:
    document.file.save("a.txt", ContentFile(b"1"), save=False)
    document.file.delete(save=False)

    assert not document.file
    assert not storage.exists("docs")


def test_the_file_of_a_model_is_copied_to_another(
    document: Any, storage: KVStorage
) -> None:
    document.file.save("a.txt", ContentFile(b"1"), save=False)
    other = type(document)()
    other.file.save("a.txt", document.file, save=False)
    document.file.close()

    assert other.file.name != document.file.name
    assert read(storage, other.file.name) == b"1"
