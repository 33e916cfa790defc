"""The local run: web, the stand-ins of Google and Twilio, worker and beat in one process, on SQLite and a broker
in memory.

The same code runs as separate processes on PostgreSQL and Redis by environment alone (README, compose.yaml).
"""

import os
import signal
import threading
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import urlsplit

from celery import signals
from celery.beat import EmbeddedService
from celery.platforms import SecurityWarning
from celery.worker import state as worker_state
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from kombu.exceptions import OperationalError as BrokerError
from waitress import wasyncore
from waitress.server import create_server

from campaigns import carrier_sandbox
from config.celery import app
from config.wsgi import application
from integrations.sandbox.app import Sandbox
from integrations.sandbox.server import RunningServer, serve

LOOPBACK = "127.0.0.1"
STARTS_WITHIN_SECONDS = 20
STOPS_WITHIN_SECONDS = 8


class Command(BaseCommand):
    help = "Run the whole product in this process, with Google's stand-in beside it. Ctrl-C stops."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("`demo` is for a local run: use `make run`, or set DEBUG=true.")
        # A worker as root is worth a warning where strangers send tasks; this broker lives in this process.
        warnings.simplefilter("ignore", SecurityWarning)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        self.check_broker()
        self.prepare_database()
        sandbox = self.start_sandbox()
        carrier = self.start_carrier()
        web = WebServer(application, settings.PORT)
        web.wait_until_it_answers("/healthz")
        self.announce(sandbox, carrier)
        beat = EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler")
        beat.start()
        self.work()  # until a signal
        beat.service.stop(wait=False)
        web.close()
        if sandbox:
            sandbox.close()
            sandbox.sandbox.close()
        if carrier:
            carrier.close()
        self.stdout.write("Stopped.")

    # --- start ----------------------------------------------------------------------------------------------

    def prepare_database(self) -> None:
        """Tables as the code wants them, and demo data when nobody lives here yet."""
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.stdout.write("Preparing the database …")
                call_command("migrate", verbosity=0)
            if not get_user_model().objects.exists():
                call_command("seed", stdout=self.stdout)
        except DatabaseError as error:
            what = str(error).strip().splitlines()[0]
            raise CommandError(f"The database of DATABASE_URL does not work: {what}") from None

    def check_broker(self) -> None:
        if settings.CELERY_BROKER_URL.startswith("memory"):
            # The default looks once a second, which would add a second to everything that is woken.
            app.conf.broker_transport_options = {"polling_interval": 0.1}
            return
        try:
            with app.connection_for_write() as broker:
                broker.ensure_connection(max_retries=1, interval_start=0.2)
        except BrokerError as error:
            raise CommandError(f"The broker of CELERY_BROKER_URL does not answer: {error}") from None

    def start_sandbox(self) -> RunningServer | None:
        """Google's stand-in, when Google's addresses point where `dev.py` puts it: one port above the web."""
        address = urlsplit(settings.GOOGLE_CALENDAR_API_URL)
        if (address.hostname, address.port) != (LOOPBACK, settings.PORT + 1):
            return None
        try:
            return serve(Sandbox(str(settings.LOCAL_DIR / "sandbox.sqlite3")), port=settings.PORT + 1)
        except OSError as error:
            raise port_taken(settings.PORT + 1, error) from None

    def start_carrier(self) -> carrier_sandbox.RunningServer | None:
        """Twilio's stand-in, when its address points where `dev.py` puts it: two ports above the web."""
        address = urlsplit(settings.TWILIO_API_URL)
        if (address.hostname, address.port) != (LOOPBACK, settings.PORT + 2):
            return None
        incoming = f"http://{LOOPBACK}:{settings.PORT}{reverse('campaigns:twilio_incoming')}"
        try:
            folder = getattr(settings, "EMAIL_FILE_PATH", None)
            phones = carrier_sandbox.CarrierSandbox(
                incoming_url=incoming, mail_folder=Path(folder) if folder else None
            )
            return carrier_sandbox.serve(phones, settings.PORT + 2, posts=True)
        except OSError as error:
            raise port_taken(settings.PORT + 2, error) from None

    def announce(self, sandbox: RunningServer | None, carrier: carrier_sandbox.RunningServer | None) -> None:
        lines = ["", f"  Tandem CRM      http://{LOOPBACK}:{settings.PORT}/"]
        lines.append(f"  Google sandbox  {sandbox.url}/" if sandbox else "  Google          the real one")
        lines += [f"  Phones, mail    {carrier.url}/  {carrier.url}/mail"] if carrier else []
        lines += ["", "  Sign in as"]
        lines += [
            f"    {address:20} {password:15} {who}" for address, password, who in settings.DEMO_SIGN_INS
        ]
        lines += ["", "  Ctrl-C stops", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    # --- work and stop --------------------------------------------------------------------------------------

    def work(self) -> None:
        """Celery's worker, in this thread, until a signal asked it to stop and its work in hand is done."""
        signals.setup_logging.connect(keep_logging, weak=False)
        worker = DemoWorker(
            app=app,
            pool="threads",
            concurrency=4,
            quiet=True,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        worker.start()

    def stop(self, number: int, frame: FrameType | None) -> None:
        """The first signal asks the worker to end what it has in hand; a second one leaves at once."""
        if worker_state.should_stop is not None:
            os._exit(128 + number)
        self.stdout.write("\nStopping … (Ctrl-C again leaves at once)")
        worker_state.should_stop = 0
        overdue = threading.Timer(STOPS_WITHIN_SECONDS, leave_unfinished)
        overdue.daemon = True
        overdue.start()


class DemoWorker(app.Worker):  # type: ignore[misc]  # Celery has no types
    def install_platform_tweaks(self, worker: object) -> None:
        """Nothing: the signals belong to the command, which has more than a worker to stop."""


class WebServer:
    """A WSGI application on loopback, in threads of its own."""

    def __init__(self, application: Any, port: int) -> None:
        self.port = port
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(application, map=self._sockets, host=LOOPBACK, port=port, threads=8)
        except OSError as error:
            raise port_taken(port, error) from None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=30, map=self._sockets, count=1)
        wasyncore.close_all(self._sockets)

    def wait_until_it_answers(self, path: str) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}{path}", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise CommandError(f"The web server did not answer on port {self.port}.")

    def close(self) -> None:
        """Ends once the requests in hand are answered."""
        self._server.task_dispatcher.shutdown(timeout=3)
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join(timeout=3)


def port_taken(port: int, error: OSError) -> CommandError:
    return CommandError(
        f"Port {port} cannot be used: {error.strerror}. Choose another, for example PORT=8010."
    )


def keep_logging(**kwargs: object) -> None:
    """Celery sets logging up itself unless somebody listens to this signal: Django's stands."""


def leave_unfinished() -> NoReturn:
    # Rows are the truth: what is cut off here is taken up by the sweeps of the next run.
    os._exit(0)
