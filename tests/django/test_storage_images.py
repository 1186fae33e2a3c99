"""Images in a storage are measured by what they begin with."""

import io
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.images import ImageFile
from django.db import models
from django.test.utils import isolate_apps
from PIL import Image

from minimalkv_django.storage import KVStorage
from tests.counting import CountingDecorator
from tests.django.storages import names_in


def image(width: int, height: int) -> "ContentFile[bytes]":
    data = io.BytesIO()
    Image.effect_noise((width, height), 90).save(data, "PNG")
    return ContentFile(data.getvalue(), name="a.png")


@isolate_apps("tests.django")
def test_an_image_is_measured_with_one_call(memory: KVStorage) -> None:
    counted = CountingDecorator(memory.store)

    class Photo(models.Model):
        picture = models.ImageField(
            storage=KVStorage(counted), width_field="width", height_field="height"
        )
        width: Any = models.IntegerField()
        height: Any = models.IntegerField()

        class Meta:
            app_label = "tests"

    photo = Photo()
    photo.picture.save("a.png", image(640, 480), save=False)
    assert (photo.width, photo.height) == (640, 480)

    counted.take_calls()
    again = Photo(picture="a.png", width=1, height=1)
    assert (again.picture.width, again.picture.height) == (640, 480)
    assert len(counted.take_calls()) == 1
    assert names_in(memory) == ["a.png"]


def test_an_image_is_measured_on_every_store(storage: KVStorage) -> None:
    storage.save("a.png", image(300, 200))

    with storage.open("a.png") as file:
        found = ImageFile(file)
        assert (found.width, found.height) == (300, 200)
        assert Image.open(file).size == (300, 200)
