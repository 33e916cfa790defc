"""Runs Twilio's stand-in beside the product: texts arrive on a page, and are answered there."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse


class Command(BaseCommand):
    help = "Serves a stand-in for Twilio on loopback, with a page of every phone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8002)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The carrier sandbox runs with DEBUG=true only.")
        # Only a local run may load it: a deployment never imports the stand-in.
        from campaigns.carrier_sandbox import (  # noqa: PLC0415 (after the check for DEBUG)
            ACCOUNT,
            SENDER,
            TOKEN,
            CarrierSandbox,
            serve,
        )

        incoming = f"http://127.0.0.1:{settings.PORT}{reverse('campaigns:twilio_incoming')}"
        try:
            server = serve(CarrierSandbox(incoming_url=incoming), options["port"], posts=True)
        except OSError as error:
            raise CommandError(f"Port {options['port']} is taken; choose another with --port.") from error
        self.stdout.write(f"Carrier sandbox at {server.url}/ (kept in memory). The product reaches it with")
        self.stdout.write(f"  SMS_URL=twilio://{ACCOUNT}:{TOKEN}@/?from={SENDER}")
        self.stdout.write(f"  TWILIO_API_URL={server.url}")
        self.stdout.flush()
        try:
            server.wait()
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        finally:
            server.close()
