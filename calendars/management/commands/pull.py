"""Pull now, in the foreground, a line an event: `manage.py pull [--account ADDRESS] [--full]`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from calendars.sync.late import late_matches
from calendars.sync.turn import Turn, take_turn
from integrations.models import GoogleAccount, GoogleCalendar


class Command(BaseCommand):
    help = "Pull every Google calendar that is read, then reconcile. Exit status 1 if anything failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", metavar="ADDRESS", help="only this Google account")
        parser.add_argument(
            "--full", action="store_true", help="list everything, as if there were no sync token"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        calendars = GoogleCalendar.objects.filter(next_pull_at__isnull=False)
        if options["account"]:
            calendars = calendars.filter(account__address__iexact=options["account"])
            if not GoogleAccount.objects.filter(address__iexact=options["account"]).exists():
                raise CommandError(f"No Google account {options['account']} is connected here.", returncode=2)
        late_matches()
        pks = list(calendars.order_by("account__address", "pk").values_list("pk", flat=True))
        if not pks:
            self.stdout.write("Nothing to pull: no Google calendar is linked. See Settings → Profile.")
        turns = [take_turn(pk, timezone.now(), pulls=True, full=options["full"], pushes=False) for pk in pks]
        # Once more without a pull: what waited for another calendar's turn (a move between calendars shows its
        # deletion first, a colleague's copy comes before the organiser's).
        again = [take_turn(pk, timezone.now(), pushes=False) for pk in pks]
        for turn in (*turns, *again):
            self._tell(turn)
        if any(turn.has_failed for turn in turns + again):
            raise CommandError("Something failed; see the lines above.", returncode=1)

    def _tell(self, turn: Turn) -> None:
        if turn.google_calendar is None:
            self.stdout.write("Another worker has this calendar; it does the same work.")
            return
        name = f"{turn.google_calendar.account} · {turn.google_calendar}"
        account = turn.google_calendar.account
        if not account.is_connected:
            turn.error = turn.error or f"the account is {account.get_state_display().lower()}"
        if turn.pulled is not None:
            kind = "full" if turn.pulled.is_full else "incremental"
            self.stdout.write(f"{name}: {kind} pull, {turn.pulled.events} events")
        for done in turn.reconciled:
            self.stdout.write(f"  {done.google_id}  {done.outcome or 'none'}  {done.reason}")
        if turn.error:
            self.stderr.write(f"{name}: {turn.error}")
