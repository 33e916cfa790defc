"""The values behind the merge fields: plain text, told in the zone of the person who reads them."""

import datetime
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils import timezone

from calendars import customers, links
from calendars.models import CalendarConfiguration
from campaigns import unsubscribing
from campaigns.models import Campaign, Step
from campaigns.rendering import Fields
from contacts.models import Appointment, Contact, Origin
from contacts.time_zones import zone_or_none


def zone_for(appointment: Appointment, contact: Contact | None) -> ZoneInfo:
    """The zone they booked in online, else the contact's, else the calendar's, else the owner's; a calendar nobody set
    up says UTC. Reads the guests where a customer booked; `with_zones` does so for many."""
    calendar = zone_or_none(appointment.calendar.time_zone)
    if calendar is not None and calendar.key == "UTC":
        calendar = None
    theirs = (_booked_in(appointment, contact) or zone_or_none(contact.time_zone)) if contact else None
    return theirs or calendar or _zone_of_owner(appointment) or ZoneInfo("UTC")


def with_zones(appointments: Iterable[Appointment]) -> None:
    """Reads what `zone_for` wants of `appointments` in one statement; in none where no customer booked."""
    booked_online = [each for each in appointments if each.origin == Origin.CUSTOMER]
    if booked_online:
        prefetch_related_objects(booked_online, "guests")


def with_guests(appointments: Iterable[Appointment]) -> None:
    """Reads who has a place in `appointments`, in one statement; in none where that is known."""
    rows = list(appointments)
    if rows:
        prefetch_related_objects(rows, "guests")


def _booked_in(appointment: Appointment, contact: Contact) -> ZoneInfo | None:
    if appointment.origin != Origin.CUSTOMER:
        return None
    names = (guest.time_zone for guest in appointment.guests.all() if guest.contact_id == contact.pk)
    return zone_or_none(next(names, ""))


def _zone_of_owner(appointment: Appointment) -> ZoneInfo | None:
    try:
        return zone_or_none(appointment.owner.calendar_configuration.time_zone)
    except CalendarConfiguration.DoesNotExist:
        return None


def merge_fields(
    appointment: Appointment,
    contact: Contact,
    *,
    campaign: Campaign | None = None,
    medium: str = Step.Medium.EMAIL,
    now: datetime.datetime | None = None,
) -> Fields:
    """Every field of `rendering.FIELDS`, in what leaves by `medium` at `now`. Reads calendar, owner, the contact's
    addresses and the appointment's guests (`with_guests`)."""
    zone = zone_for(appointment, contact)
    starts_at, ends_at = appointment.starts_at.astimezone(zone), appointment.ends_at.astimezone(zone)
    return Fields(
        contact={
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "name": f"{contact.first_name} {contact.last_name}".strip(),
            "email": contact.primary_address,
            "company": contact.company,
            "unsubscribe_url": unsubscribing.address_for(contact, medium),
        },
        appointment={
            "title": _title(appointment, contact),
            "date": day(starts_at),
            "time": clock(starts_at, appointment),
            "starts_at": moment_in_words(starts_at),
            "ends_at": moment_in_words(ends_at),
            "calendar": appointment.calendar.name,
            "location": _place(appointment),
            "meeting_url": appointment.meeting_url,
            "duration_minutes": str(
                (appointment.ends_at - appointment.starts_at) // datetime.timedelta(minutes=1)
            ),
            **_links(appointment, contact, now or timezone.now()),
        },
        host={
            "name": appointment.owner.get_full_name() or appointment.owner.email,
            "email": appointment.owner.email,
        },
        business={"name": settings.BUSINESS_NAME},
        # Absent, not empty: a text that asks for a review without saying where cannot be filled in at all.
        campaign={"review_url": campaign.review_url} if campaign and campaign.review_url else {},
    )


def _title(appointment: Appointment, contact: Contact) -> str:
    """What it is called to `contact`. A title that names its first contact is told to nobody else who comes; the usual
    one ("First visit: Ada Lovelace") is for the agenda, and those who come know their name."""
    if contact.pk == appointment.contact_id:
        is_telling = appointment.title != f"{appointment.calendar.name}: {contact.name}"
    else:
        is_telling = not _names_its_contact(appointment)
    if not appointment.title or not is_telling:
        return appointment.calendar.name
    return appointment.title


def _names_its_contact(appointment: Appointment) -> bool:
    """As the usual title does, also where its calendar was renamed since."""
    if appointment.title.startswith(f"{appointment.calendar.name}: "):
        return True
    guests = [guest for guest in appointment.guests.all() if guest.contact_id == appointment.contact_id]
    names = {appointment.contact.name, *(guest.name for guest in guests)} - {""}
    title = appointment.title.casefold()
    return any(name.casefold() in title for name in names)


def _links(appointment: Appointment, contact: Contact, now: datetime.datetime) -> dict[str, str]:
    """What they may do online; "" for what they may not (any more)."""
    refusals = {
        "confirm": customers.why_no_confirm,
        "reschedule": customers.why_no_move,
        "cancel": customers.why_no_cancel,
    }
    urls = links.action_urls(appointment, contact)
    return {
        f"{action}_url": "" if action in refusals and refusals[action](appointment, contact, now) else url
        for action, url in urls.items()
    }


def day(moment: datetime.datetime) -> str:
    """ "Monday 2 November 2026"."""
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


def clock(moment: datetime.datetime, appointment: Appointment) -> str:
    """ "09:30" on the reader's clocks, in whose zone `moment` is; "09:30 GMT" where those of the calendar show another
    time, so that nobody takes it for theirs, and where clocks go back and it comes twice."""
    here = moment.astimezone(zone_for(appointment, None))
    comes_twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    is_named = comes_twice or here.utcoffset() != moment.utcoffset()
    return f"{moment:%H:%M}{f' {letters(moment)}' if is_named else ''}"


def moment_in_words(moment: datetime.datetime) -> str:
    """ "Monday 2 November 2026, 09:30 GMT"."""
    return f"{day(moment)}, {moment:%H:%M} {letters(moment)}"


def letters(moment: datetime.datetime) -> str:
    """ "GMT"; "UTC-03" in the many zones that have no letters of their own."""
    name = moment.tzname() or ""
    return name if name.isalpha() else f"UTC{name}"


def _place(appointment: Appointment) -> str:
    """Where it is, else the calendar's usual place; of what came from Google the event says where, or nobody does."""
    if appointment.came_from_google:
        return appointment.location
    return appointment.location or appointment.calendar.location
