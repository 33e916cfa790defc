"""Logging: one line an event on standard error. No token, guest or body ever goes into one."""

from typing import Any


def logging_config(*, debug: bool) -> dict[str, Any]:
    """A `logging.config` dictionary; names of libraries that talk too much are quietened."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname:7} {name}: {message}", "style": "{"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "celery": {"level": "WARNING"},
            # It warns that memory:// names no host; what goes wrong with a broker Celery reports itself.
            "kombu": {"level": "ERROR"},
            "waitress": {"level": "ERROR"},
            "googleapiclient": {"level": "ERROR"},
            "django.server": {"level": "INFO" if debug else "WARNING"},
        },
    }
