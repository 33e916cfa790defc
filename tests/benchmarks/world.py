"""A calendar that has been in use for long: as many planned events, appointments and push targets as wanted."""

from django.db import connection

from calendars.models import GoogleEvent, GoogleEventGuest, PushTarget
from calendars.sync.pull import pull
from calendars.sync.reconcile import reconcile
from contacts.models import Appointment, ContactEmail
from tests.benchmarks.google_pages import NOW, Pages, event
from tests.benchmarks.multitudes import analyse, multiply
from tests.benchmarks.scene import Scene


class World:
    """One event in it has an appointment; the others only block, each with a guest nobody knows."""

    def __init__(self) -> None:
        self.scene = Scene()
        google_calendar = self.scene.google_calendar
        first = Pages([event(0, ("guest@x.org",)), event(1)])
        pull(google_calendar, self.scene.client(first), NOW, full=True)
        list(reconcile(google_calendar, NOW))
        self.block = GoogleEvent.objects.get(google_calendar=google_calendar, google_id=event(1)["id"])
        self.unknown = GoogleEventGuest.objects.create(
            event=self.block, address="stranger@x.org", is_new=False
        )
        self.appointment = Appointment.objects.get(google_events__google_calendar=google_calendar)
        self.target = PushTarget.objects.get(appointment=self.appointment)
        self.email = ContactEmail.objects.get(address="guest@x.org")
        self.held = 2

    def grow(self, number: int) -> None:
        more, mark = number - self.held, f"'{number}-' || n"
        self.held = number
        multiply(self.block, more, google_id=mark, ical_uid=mark)
        events = GoogleEvent._meta.db_table
        GoogleEventGuest.objects.exclude(pk=self.unknown.pk)._raw_delete("default")
        loose = f"(SELECT * FROM {events} WHERE appointment_id IS NULL AND id <> {self.block.pk})"
        multiply(self.unknown, source=loose, event_id="s.id", address="'stranger' || s.id || '@x.org'")
        uuid = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
        multiply(self.appointment, more, id=uuid, ical_uid=mark)
        PushTarget.objects.exclude(pk=self.target.pk)._raw_delete("default")
        others = (
            f"(SELECT * FROM {Appointment._meta.db_table} WHERE ical_uid <> '{self.appointment.ical_uid}')"
        )
        multiply(self.target, source=others, appointment_id="s.id", event_id="'p' || s.id")
        known = f"'known{number}-' || n || '@x.org'"
        multiply(self.email, more // 7, address=known, looked_for=known, is_primary="false")
        analyse()
