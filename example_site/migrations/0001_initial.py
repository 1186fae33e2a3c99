"""The table of the photos; of their store it names no more than the alias."""

from collections.abc import Sequence
from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from example_site.models import file_name
from minimalkv_django.storage import KVStorage


class Migration(migrations.Migration):
    """Makes it."""

    initial = True

    operations: ClassVar[Sequence[Operation]] = [
        migrations.CreateModel(
            name="Photo",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("image", models.ImageField(storage=KVStorage(), upload_to=file_name)),
                ("thumbnail", models.CharField(editable=False, max_length=250)),
                (
                    "facts",
                    models.CharField(editable=False, max_length=100, unique=True),
                ),
                ("name", models.CharField(editable=False, max_length=250)),
                ("uploader", models.CharField(editable=False, max_length=40)),
                ("uploaded", models.DateTimeField(editable=False)),
            ],
            options={"ordering": ("-facts",)},
        ),
    ]
