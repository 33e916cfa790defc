"""Push now, in the foreground, a line an appointment: `manage.py push`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from calendars.models import PushTarget
from calendars.sync.turn import take_turn


class Command(BaseCommand):
    help = "Bring Google up to every appointment. Exit status 1 if anything failed or waits for a reconnect."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        due = PushTarget.objects.due(now).order_by("google_calendar")
        failed = False
        for pk in list(due.values_list("google_calendar", flat=True).distinct()):
            turn = take_turn(pk, now)
            failed |= turn.has_failed
            for pushed in turn.pushed:
                self.stdout.write(f"{pushed.appointment.pk}  {pushed.appointment}  {pushed.what}")
            if turn.google_calendar is None:
                self.stdout.write("Another worker has this calendar; it does the same work.")
            elif turn.error:
                self.stderr.write(f"{turn.google_calendar}: {turn.error}")
            elif not turn.google_calendar.account.is_connected:
                failed = True
                self.stderr.write(f"{turn.google_calendar}: waits, the account is not connected.")
        if failed:
            raise CommandError("Something failed; see the lines above.", returncode=1)
        if not due.exists():
            self.stdout.write("Google has everything.")
