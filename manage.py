#!/usr/bin/env python
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 (a clear line if missing)
        from django.core.management import execute_from_command_line  # noqa: PLC0415 (a clear line if missing)
    except ModuleNotFoundError as error:
        sys.exit(f"{error}. Run `make setup` first, then `.venv/bin/python manage.py …`.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
