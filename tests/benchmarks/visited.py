"""Settings: the product as it is deployed, with one page more. Its static files are named, and not collected."""

from config.settings import *  # noqa: F403 (settings as they are)

ROOT_URLCONF = "tests.benchmarks.visited_urls"
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = False
