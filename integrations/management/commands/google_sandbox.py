"""Runs Google's stand-in beside the product: sign-in, consent, calendars, a week to click in."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "Serves a stand-in for Google OAuth and Google Calendar on loopback."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django declares it so

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument(
            "--database", default=os.environ.get("GOOGLE_SANDBOX_DATABASE", ".local/google.db")
        )
        parser.add_argument("--reset", action="store_true", help="start again from the seed")
        parser.add_argument(
            "--redirect-uri",
            action="append",
            default=os.environ.get("GOOGLE_SANDBOX_REDIRECT_URIS", "").split(),
            help="a registered redirect address; without any, this project's own pages on loopback",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The Google sandbox runs with DEBUG=true only; it lets anybody in.")
        # Only a local run may load it: a deployment never imports the stand-in.
        from integrations.sandbox import Client, Sandbox, serve  # noqa: PLC0415 (after the check for DEBUG)

        client = Client(
            settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET, tuple(options["redirect_uri"])
        )
        sandbox = Sandbox(Path(options["database"]), client=client)
        if options["reset"]:
            sandbox.control.reset()
        try:
            server = serve(sandbox, HOST, options["port"])
        except OSError as error:
            sandbox.close()
            raise CommandError(f"Port {options['port']} is taken; choose another with --port.") from error
        self.announce(server.url, Path(options["database"]))
        try:
            server.wait()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        finally:
            server.close()
            sandbox.close()

    def announce(self, url: str, database: Path) -> None:
        self.stdout.write(
            f"Google sandbox at {url}/ (kept in {database})\n"
            f"  calendars    {url}/\n"
            f"  control      {url}/_control/\n"
            f"  authorise    {url}/o/oauth2/v2/auth\n"
            f"  token        {url}/token\n"
            f"  calendar API {url}/calendar/v3/"
        )
        self.stdout.flush()
