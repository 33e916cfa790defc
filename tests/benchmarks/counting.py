"""The figures of a campaign that has sent for years, and the list of campaigns beside it."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, Enrolment, Message
from contacts.models import Appointment
from tests.benchmarks.multitudes import analyse, multiply
from tests.benchmarks.stopwatch import Figure, best, statements
from tests.campaigns import rows

APPOINTMENTS = 300_000
# Of a hundred messages: so many were sent, the others skipped or void.
SENT = 85
WAYS = {
    "": "the last 30 days",
    "?period=90": "the last 90 days",
    "?period=all": "all time",
    "?period=all&calendar=1": "all time, one calendar",
}


def grow(number: int = APPOINTMENTS) -> Campaign:
    """A campaign of three steps, entered by an appointment every five minutes for three years, to a month from now."""
    campaign = rows.campaign(rows.at_once(), rows.before(24), rows.after(2), name="Visit")
    start = timezone.now() + timedelta(days=30)
    appointment = rows.booked(starts_at=start, now=timezone.now())
    uuid, at, ahead = "gen_random_uuid()", "t.starts_at - n * interval '5 minutes'", "s.starts_at > now()"
    booked = f"{at} - interval '3 days'"
    if connection.vendor == "sqlite":
        uuid = "lower(hex(randomblob(16)))"
        at = "strftime('%%Y-%%m-%%d %%H:%%M:%%S', t.starts_at, '-' || (n * 5) || ' minutes')"
        booked = at.replace(" minutes')", " minutes', '-3 days')")
        ahead = "s.starts_at > datetime('now')"
    multiply(
        appointment,
        number,
        id=uuid,
        starts_at=at,
        ends_at=at.replace("t.starts_at", "t.ends_at"),
        created_at=booked,
        status="CASE n %% 10 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'no_show' WHEN 2 THEN 'new' ELSE 'showed' END",
    )
    enrolment = Enrolment.objects.get()
    appointments, enrolments = Appointment._meta.db_table, Enrolment._meta.db_table
    others = f"(SELECT * FROM {appointments} WHERE id <> (SELECT appointment_id FROM {enrolments}))"
    multiply(enrolment, source=others, appointment_id="s.id")
    starts = f"SELECT e.id, a.starts_at FROM {enrolments} e JOIN {appointments} a ON a.id = e.appointment_id"
    joined = f"({starts} WHERE e.id <> {enrolment.pk})"
    sent = f"s.id %% 100 < {SENT}"
    for message in Message.objects.order_by("pk"):
        multiply(
            message,
            source=joined,
            enrolment_id="s.id",
            due_at="s.starts_at",
            for_start="s.starts_at",
            sent_at=f"CASE WHEN {sent} AND NOT {ahead} THEN s.starts_at END",
            state=f"CASE WHEN {ahead} THEN 'waiting' WHEN {sent} THEN 'sent'"
            " WHEN s.id %% 2 = 0 THEN 'skipped' ELSE 'void' END",
            why=f"CASE WHEN {ahead} OR {sent} THEN '' ELSE 'Kept back for reason ' || s.id %% 7 END",
            report=f"CASE WHEN {sent} AND NOT {ahead} AND s.id %% 3 > 0 THEN 'delivered' ELSE '' END",
            body_text="'" + "A reminder as people get it. " * 20 + "'",
        )
    analyse()
    return campaign


def measure() -> Iterator[Figure]:
    client = Client()
    client.force_login(rows.user())
    few = grow(3)
    page = reverse("campaigns:figures", args=[few.pk])
    with statements() as seen_few:
        visit(client, page)
    call_command("flush", verbosity=0, interactive=False)
    client.force_login(rows.user())
    page = reverse("campaigns:figures", args=[grow().pk])
    with statements() as seen:
        visit(client, page)
    held = len(seen) == len(seen_few)
    yield Figure(
        "counted", f"figures of {3 * APPOINTMENTS:,} messages: statements", len(seen), "", "constant", held
    )
    for query, words in WAYS.items():
        took = best(lambda query=query: visit(client, page + query))
        yield Figure(
            f"figures{query}", f"   milliseconds: {words}", 1000 * took, "", "≤ 300" if not query else ""
        )
    took = best(lambda: visit(client, reverse("campaigns:campaigns")))
    yield Figure("campaigns", "   milliseconds: the list of campaigns", 1000 * took)


def visit(client: Client, address: str) -> None:
    # As it is deployed, its static files named and not collected.
    static = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(ALLOWED_HOSTS=["testserver"], STORAGES={**settings.STORAGES, **static}):
        assert client.get(address, secure=True).status_code == 200, address
