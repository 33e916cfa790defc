from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    name = "calendars"

    def ready(self) -> None:
        from calendars import checks, receivers  # noqa: F401, PLC0415 (models are ready only now)
