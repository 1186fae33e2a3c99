"""The site as an application of Django, for its model."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Names the application."""

    name = "example_site"
    verbose_name = "Shoebox"
    default_auto_field = "django.db.models.BigAutoField"
