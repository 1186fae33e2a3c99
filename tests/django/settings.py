"""The project of the tests: sessions of ours, users in a database in memory."""

SECRET_KEY = "a key of the tests"
USE_TZ = True
# Django puts it into the environment, also for the test servers, and has Chicago's.
TIME_ZONE = "UTC"
ROOT_URLCONF = "tests.django.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "minimalkv_django",
]
MIDDLEWARE = [
    "minimalkv_django.middleware.SessionOutageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [("django.template.loaders.locmem.Loader", {})],
        },
    }
]

SESSION_ENGINE = "minimalkv_django.sessions"
MINIMALKV_URL = "memory://"
