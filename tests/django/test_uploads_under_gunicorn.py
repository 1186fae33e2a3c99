"""Large files that are sent to a server of Django."""

from tests.files.under_gunicorn import LargeUploads


class TestUploads(LargeUploads):
    page = "tests.django.upload_page"
