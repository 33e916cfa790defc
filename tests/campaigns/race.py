"""Workers on one real database (DATABASE_URL) at the same moment; prints what they sent as JSON. Run by test_race."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import django
from django.core import mail
from django.db import connection

WORKERS = 4
APPOINTMENTS = 5


def main() -> None:
    django.setup()
    # Models can be imported only after setup.
    from campaigns import delivery, triggers
    from campaigns.delivery import claims
    from campaigns.models import Enrolment, Message, Notice, TriggerEvent
    from contacts.models import Appointment, AppointmentChange
    from tests.campaigns import rows

    for _ in range(3):
        rows.campaign(rows.at_once(), rows.before(24))
    owner, calendar = rows.user(), rows.calendar(notices="all")
    for _ in range(APPOINTMENTS):
        rows.book(owner=owner, calendar=calendar)
    TriggerEvent.objects.all().delete()
    Enrolment.objects.all().delete()
    Notice.objects.all().delete()
    AppointmentChange.objects.update(looked_at=None, at=rows.NOW)
    changes = list(AppointmentChange.objects.values_list("pk", flat=True))
    at_once(lambda: [triggers.look_at(change, now=rows.NOW) for change in changes])
    claims.BATCH = 3
    shares = at_once(lambda: delivery.deliver_due(rows.NOW))
    # While some send, another cancels everything: each reminder is either sent or void, and never both.
    at_once(
        lambda: delivery.deliver_due(rows.START - timedelta(hours=24)),
        lambda: [rows.with_status(appointment, "cancelled") for appointment in Appointment.objects.all()],
    )
    repeats = Counter(message.extra_headers["Message-ID"] for message in mail.outbox)
    json.dump(
        {
            "events": TriggerEvent.objects.filter(change__what="booked").count(),
            "enrolments": Enrolment.objects.count(),
            "confirmations": Notice.objects.filter(kind="booked", state="sent").count(),
            "notices": Counter(Notice.objects.values_list("state", flat=True)),
            "states": Counter(Message.objects.values_list("state", flat=True)),
            "mails": len(mail.outbox),
            "most_repeats": max(repeats.values()),
            "shares": sorted(len(share) for share in shares),
        },
        sys.stdout,
    )


def at_once(*jobs: Callable[[], list[object]]) -> list[list[object]]:
    """What each of `WORKERS` threads returned for the jobs dealt out in turn, all begun at the same moment."""
    barrier = threading.Barrier(WORKERS)
    results: list[list[object]] = []

    def work(job: Callable[[], list[object]]) -> None:
        barrier.wait()
        try:
            results.append(job())
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(jobs[number % len(jobs)],)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(results) != WORKERS:
        raise SystemExit("A worker failed; its traceback stands above.")
    return results


if __name__ == "__main__":
    main()
