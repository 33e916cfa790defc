"""One sweep in the foreground: looks at changes nobody has looked at, then sends what is due, a line a message."""

import datetime
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from campaigns.delivery import Outcome, deliver_due
from campaigns.models import Message
from campaigns.triggers import enrol_missing

FAILURES = (Message.State.FAILED, Message.State.UNKNOWN)


class Command(BaseCommand):
    help = "Send the messages that are due, and say what became of each. Exit status 1 if one failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", help="As of this moment, in ISO 8601 (UTC unless it says otherwise).")

    def handle(self, *args: Any, at: str | None = None, **options: Any) -> None:
        now = moment(at) if at else timezone.now()
        enrol_missing(now)
        outcomes = deliver_due(now)
        for outcome in outcomes:
            self.stdout.write(line(outcome))
        if not outcomes:
            self.stdout.write(f"Nothing is due at {now:%Y-%m-%d %H:%M} UTC.")
        failed = sum(outcome.state in FAILURES for outcome in outcomes)
        if failed:
            raise CommandError(f"{failed} of {len(outcomes)} could not be sent.")


def moment(text: str) -> datetime.datetime:
    """`text` as a moment in UTC. Raises CommandError (exit status 2) when it is none."""
    try:
        day = parse_date(text)
        found = datetime.datetime.combine(day, datetime.time()) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"--at {text!r} is no moment; write 2026-11-02T09:00.", returncode=2)
    if timezone.is_naive(found):
        found = found.replace(tzinfo=datetime.UTC)
    return found.astimezone(datetime.UTC)


def line(outcome: Outcome) -> str:
    parts = (
        f"{outcome.due_at:%Y-%m-%d %H:%M}",
        outcome.about,
        outcome.recipient,
        outcome.state,
        outcome.why,
    )
    return "  ".join(part for part in parts if part)
