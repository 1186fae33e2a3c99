"""The photos as Django sees them: rows of a database about files in the store.

The store is the record, since the Flask side knows no database. The table is made to
agree with it whenever somebody looks at it, so it may be deleted, and belong to another
store the next time.
"""

from typing import Any, Final

from django.db import models, transaction

from example_site.album import PREFIX, Album, Item
from minimalkv.files import safe_filename
from minimalkv_django.storage import KVStorage
from minimalkv_django.stores import stores

MOST: Final = 500
"""As many photos are in the table, the newest ones."""


def file_name(_photo: "Photo", filename: str) -> str:
    """Return where a new photo goes: beside those that came by Flask."""
    return f"{PREFIX}{safe_filename(filename)}"


class Photo(models.Model):
    """A photo of the album."""

    image: Any = models.ImageField(storage=KVStorage(), upload_to=file_name)
    thumbnail: Any = models.CharField(max_length=250, editable=False)
    facts: Any = models.CharField(max_length=100, unique=True, editable=False)
    name: Any = models.CharField(max_length=250, editable=False)
    uploader: Any = models.CharField(max_length=40, editable=False)
    uploaded: Any = models.DateTimeField(editable=False)

    class Meta:
        """What the admin needs to know."""

        ordering = ("-facts",)

    def __str__(self) -> str:
        return str(self.name)

    def describe(self, item: Item) -> None:
        """Take over what is known about the photo."""
        self.image = item.key
        self.thumbnail = item.thumbnail or ""
        self.facts, self.name = item.facts, item.name
        self.uploader, self.uploaded = item.uploader, item.uploaded


def album() -> Album:
    """Return the album in the store of the site."""
    return Album(stores["uploads"])


def agree_with_store() -> None:
    """Make a row for each photo that has none, and delete those of photos that went."""
    found = {item.facts: item for item in album().newest(MOST) if not item.is_video}
    with transaction.atomic():
        known = {*Photo.objects.values_list("facts", flat=True)}
        Photo.objects.filter(facts__in=known - found.keys()).delete()
        missing = [found[facts] for facts in found.keys() - known]
        # Another visitor may look at the same moment.
        Photo.objects.bulk_create(map(_row, missing), ignore_conflicts=True)


def _row(item: Item) -> Photo:
    photo = Photo()
    photo.describe(item)
    return photo
