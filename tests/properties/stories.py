"""Short stories between Google and the CRM, each the same every time it is told, and what one leaves behind."""

import contextlib
from collections.abc import Callable
from typing import Any

from django.core import mail

from calendars import booking, configuring
from calendars.models import Calendar, CalendarConfiguration
from campaigns.models import Message, TriggerEvent
from contacts.models import Appointment, AppointmentChange, Contact
from integrations.disconnecting import disconnect_account
from integrations.models import GoogleAccount, GoogleCalendar
from tests.properties import promises
from tests.properties.histories import at, when
from tests.properties.world import HOUR, STAFF, World

ALICE, BOB, ROOM = STAFF
ROUNDS = 14
Story = tuple[Callable[[World], None], Callable[[World], None]]


def open_world(world: World) -> None:
    """Both desks and the room take everything: two way, with contacts and triggers."""
    for user in world.users[:2]:
        own = GoogleCalendar.objects.get(account__user=user, is_primary=True)
        values = configuring.ConfigurationValues(
            linked_calendar=own,
            conflict_calendars=(),
            sync_option="two_way",
            default_calendar=world.own[user.pk],
            allow_contact_creation=True,
            allow_trigger=True,
            time_zone="Europe/London",
        )
        configuring.save_configuration(values, user=user)
    CalendarConfiguration.objects.filter(calendar=world.room).update(sync_option="two_way")
    world.pass_time(HOUR / 60)


def settle(world: World) -> None:
    """Sweeps until nothing changes any more, waiting for whatever waits."""
    before: object = None
    for _ in range(ROUNDS):
        world.run_queue()
        world.control.clear_requests()
        world.sweep()
        written = [r for r in world.control.requests() if r.method in promises.WRITES]
        after = promises.everything()
        if after == before and not written:
            return
        before = after
        world.wait_for_retries()
    raise AssertionError("It never comes to rest.")


def remains(world: World) -> dict[str, list[Any]]:
    """What people on either side can see of it, without ids and etags."""
    return {
        "appointments": sorted(
            (
                row.origin,
                row.status,
                row.title,
                row.location,
                row.starts_at,
                row.ends_at,
                sorted(guest.address for guest in row.guests.all()),
                sorted(host.user.email for host in row.hosts.all()),
            )
            for row in Appointment.objects.all()
        ),
        "contacts": sorted(contact.primary_address for contact in Contact.objects.all()),
        "changes": sorted(
            (change.appointment.title, change.appointment.starts_at, change.what, change.origin, change.fires)
            for change in AppointmentChange.objects.select_related("appointment")
        ),
        "fired": sorted(
            (event.appointment.title, event.appointment.starts_at, event.kind, event.change.what)
            for event in TriggerEvent.objects.filter(fired=True).select_related("appointment", "change")
        ),
        "messages": sorted(
            (message.enrolment.appointment.title, message.step.anchor, message.state)
            for message in Message.objects.select_related("enrolment__appointment", "step")
        ),
        "google": sorted(
            (
                google_calendar.google_id if google_calendar.is_primary else "second",
                event.get("summary", ""),
                str(event.get("start")),
                str(event.get("end")),
                sorted((each["email"], each["responseStatus"]) for each in event.get("attendees", [])),
            )
            for google_calendar in world.calendars()
            for event in promises.events_of(world, google_calendar)
            if promises.is_living(event)
        ),
        "accounts": sorted((account.address, account.state) for account in GoogleAccount.objects.all()),
        "mail to staff": sorted(message.subject for message in mail.outbox if message.to[0] in STAFF),
    }


# --- what happens ---------------------------------------------------------------------------------------------------


def nothing(world: World) -> None:
    settle(world)


def add(world: World, who: str, slot: int, *guests: str, **body: Any) -> dict[str, Any]:
    people = [{"email": guest} for guest in guests]
    return world.control.insert(
        who, who, {"summary": f"Event {slot}", **when(slot), "attendees": people, **body}
    )


def book(world: World, calendar: Calendar, slot: int, guest: str = "ann@x.test") -> Appointment:
    return booking.book(
        calendar=calendar,
        contact=world.add_contact(guest),
        owner=world.users[0],
        starts_at=at(slot),
        ends_at=at(slot) + HOUR,
        title=f"Visit {slot}",
    )


def named(world: World, who: str, summary: str) -> dict[str, Any]:
    google_calendar = GoogleCalendar.objects.get(google_id=who)
    return next(
        event
        for event in promises.events_of(world, google_calendar)
        if event.get("summary") == summary and promises.is_living(event)
    )


def first_events(world: World) -> None:
    for slot, guests in ((20, ["ann@x.test"]), (22, []), (24, ["ben@x.test", "cid@y.test"]), (26, [])):
        add(world, ALICE, slot, *guests)
    add(world, ALICE, 28, recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
    add(world, ROOM, 21, "ann@x.test")


def some_events(world: World) -> None:
    first_events(world)
    settle(world)


def google_edits(world: World) -> None:
    world.control.patch(ALICE, ALICE, named(world, ALICE, "Event 20")["id"], when(30))
    world.control.delete(ALICE, ALICE, named(world, ALICE, "Event 24")["id"])
    world.control.delete(ROOM, ROOM, named(world, ROOM, "Event 21")["id"])
    add(world, ALICE, 32, "dan@x.test", location="Room 2")
    add(world, BOB, 33, "eve@x.test")


def some_bookings(world: World) -> None:
    world.both.invites_through_google = True
    world.both.save()
    for index, calendar in enumerate([*world.own.values(), world.both, world.room]):
        book(world, calendar, 20 + 2 * index)
    settle(world)


def bookings(world: World) -> None:
    for index, calendar in enumerate(world.bookable):
        book(world, calendar, 40 + 2 * index)


def desk_edits(world: World) -> None:
    own, other, both, room = Appointment.objects.order_by("starts_at")
    booking.reschedule(own, starts_at=at(50), ends_at=at(50) + HOUR)
    booking.cancel(other)
    booking.set_details(both, title="Another title", description="", location="Upstairs")
    booking.attach(both, world.add_contact("ben@x.test"))
    booking.cancel(room)


def both_edit(world: World) -> None:
    own, _, both, room = Appointment.objects.order_by("starts_at")
    booking.reschedule(own, starts_at=at(50), ends_at=at(50) + HOUR)
    world.control.patch(ALICE, ALICE, named(world, ALICE, own.title)["id"], when(52))
    booking.reschedule(room, starts_at=at(54), ends_at=at(54) + HOUR)
    world.control.delete(ROOM, ROOM, named(world, ROOM, room.title)["id"])
    booking.cancel(both)
    world.control.patch(BOB, BOB, named(world, BOB, both.title)["id"], when(56))


def desk_edits_what_came_from_google(world: World) -> None:
    first, second, _ = Appointment.objects.order_by("starts_at")
    booking.reschedule(first, starts_at=at(50), ends_at=at(50) + HOUR)
    booking.cancel(second)


def meeting(world: World) -> None:
    add(world, ALICE, 34, "ann@x.test", BOB)
    world.control.insert(
        "olga@else.test",
        "olga@else.test",
        {"summary": "Theirs", **when(36), "attendees": [{"email": ALICE}, {"email": BOB}]},
    )


def a_series(world: World) -> None:
    add(world, BOB, 20, "ann@x.test", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    settle(world)


def series_moves(world: World) -> None:
    series = named(world, BOB, "Event 20")["recurringEventId"]
    moved = {name: {**value} for name, value in when(20, hours=2).items()}
    world.control.patch(BOB, BOB, series, moved | {"start": when(21)["start"], "end": when(21)["end"]})


def series_splits(world: World) -> None:
    series = named(world, BOB, "Event 20")["recurringEventId"]
    world.control.patch(BOB, BOB, series, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    add(world, BOB, 77, "ann@x.test", recurrence=["RRULE:FREQ=WEEKLY;COUNT=2"])


def reconnection(world: World) -> None:
    account = GoogleAccount.objects.get(user=world.users[0])
    disconnect_account(account)
    google_edits(world)
    booking.reschedule(Appointment.objects.get(title="Event 20"), starts_at=at(44), ends_at=at(44) + HOUR)
    with contextlib.suppress(Exception):
        world.run_queue()
    world.connect(world.users[0])


def tokens_die(world: World) -> None:
    google_edits(world)
    world.control.expire_sync_tokens()
    world.forget_access_tokens()


STORIES: dict[str, Story] = {
    "first pull": (nothing, first_events),
    "edits at Google": (some_events, google_edits),
    "bookings": (nothing, bookings),
    "edits at the desk": (some_bookings, desk_edits),
    "edits on both sides": (some_bookings, both_edit),
    "edits at the desk of what came from Google": (some_events, desk_edits_what_came_from_google),
    "meetings of two staff": (nothing, meeting),
    "a series moves": (a_series, series_moves),
    "a series splits": (a_series, series_splits),
    "disconnected and connected again": (some_events, reconnection),
    "tokens die": (some_events, tokens_die),
}
