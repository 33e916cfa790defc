"""Fill an empty local database with a believable business, so that every page has something to show."""

import datetime
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from calendars import booking
from calendars.models import Calendar, CalendarConfiguration, Membership, WeeklyHours
from campaigns.management import harbour
from campaigns.models import Campaign, Step
from contacts.models import Activity, Contact, ContactEmail, ContactPhone, Note, Origin, Tag, User

ZONE = ZoneInfo(harbour.TIME_ZONE)
IN_ADVANCE = "Demo data: made before anything could fire."


class Command(BaseCommand):
    help = "Make the people, calendars, contacts, appointments and campaign of a demo, once."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_LOCAL:
            raise CommandError("`seed` makes people with well-known passwords: it needs DEBUG=true.")
        if User.objects.filter(email=harbour.SIGN_INS[0].address).exists():
            self.stdout.write("The demo data is there already.")
            return
        with transaction.atomic():
            users = make_users()
            calendars = make_calendars(users)
            contacts = make_contacts(users)
            make_campaigns()
            made = make_appointments(users, calendars, contacts, now=timezone.now())
        self.stdout.write(f"Made {len(users)} people, {len(contacts)} contacts and {made} appointments.")


def make_users() -> dict[str, User]:
    """By first name. Their configuration is as on the first day: one way, no Google account."""
    # One slow hash for all three: this is the demo's password, not a secret.
    password = make_password(harbour.PASSWORD)
    users = {
        person.name.partition(" ")[0]: User(
            email=person.address,
            password=password,
            first_name=person.name.partition(" ")[0],
            last_name=person.name.partition(" ")[2],
            is_staff=person.is_admin,
            is_superuser=person.is_admin,
        )
        for person in harbour.SIGN_INS
    }
    User.objects.bulk_create(users.values())
    CalendarConfiguration.objects.bulk_create(
        CalendarConfiguration(user=user, time_zone=harbour.TIME_ZONE) for user in users.values()
    )
    return users


def make_calendars(users: dict[str, User]) -> dict[str, Calendar]:
    """By name, with members and the hours they work."""
    calendars = Calendar.objects.bulk_create(as_calendar(diary, users) for diary in harbour.DIARIES)
    by_name = {calendar.name: calendar for calendar in calendars}
    members = Membership.objects.bulk_create(
        Membership(calendar=by_name[diary.name], user=users[name], priority=place)
        for diary in harbour.DIARIES
        for place, name in enumerate(diary.members)
    )
    hours: list[WeeklyHours] = []
    for diary in harbour.DIARIES:
        calendar = by_name[diary.name]
        if not diary.members:
            hours += as_hours(diary, calendar=calendar)
        for membership in members:
            if membership.calendar_id == calendar.pk:
                hours += as_hours(diary, membership=membership)
    WeeklyHours.objects.bulk_create(hours)
    unassigned = [calendar for calendar in calendars if calendar.is_unassigned]
    CalendarConfiguration.objects.bulk_create(
        CalendarConfiguration(calendar=calendar, time_zone=harbour.TIME_ZONE) for calendar in unassigned
    )
    return by_name


def as_calendar(diary: harbour.Diary, users: dict[str, User]) -> Calendar:
    return Calendar(
        owner=users.get(diary.owner),
        name=diary.name,
        slug=slugify(diary.name),
        kind=diary.kind,
        colour=diary.colour,
        location=diary.location,
        seats=diary.seats,
        time_zone=harbour.TIME_ZONE,
        duration=minutes(diary.minutes),
        interval=minutes(diary.interval) if diary.interval else None,
        buffer_after=minutes(diary.buffer),
        description=diary.description,
        minimum_notice=minutes(60 * diary.notice_hours),
        confirms_automatically=diary.confirms,
        keeps_owner=diary.keeps_owner,
        most_guests=diary.guests,
    )


def as_hours(diary: harbour.Diary, **of: Any) -> Iterable[WeeklyHours]:
    for days, starts, ends in diary.hours:
        for weekday in days:
            yield WeeklyHours(weekday=weekday, starts=datetime.time(starts), ends=datetime.time(ends), **of)


def make_contacts(users: dict[str, User]) -> dict[str, Contact]:
    """By name; every one carries the tag that says it is demo data."""
    owners = [users["Dana"], users["Amir"]]
    contacts = Contact.objects.bulk_create(
        Contact(
            first_name=person.name.partition(" ")[0],
            last_name=person.name.partition(" ")[2],
            company=person.company,
            owner=owners[place % len(owners)],
            source=Contact.Source.IMPORT,
            no_email=person.no_email,
        )
        for place, person in enumerate(harbour.PEOPLE)
    )
    by_name = {contact.name: contact for contact in contacts}
    pairs = [(by_name[person.name], person) for person in harbour.PEOPLE]
    ContactEmail.objects.bulk_create(
        ContactEmail(contact=contact, address=address, is_primary=address == person.address)
        for contact, person in pairs
        for address in (person.address, person.second_address)
        if address
    )
    ContactPhone.objects.bulk_create(
        ContactPhone(contact=contact, number=f"+447700900{person.phone}", is_primary=True)
        for contact, person in pairs
        if person.phone
    )
    Note.objects.bulk_create(
        Note(contact=contact, author=contact.owner, text=text)
        for contact, person in pairs
        for text in person.notes
    )
    Activity.objects.bulk_create(
        Activity(contact=contact, text="Came with the demo data.") for contact in contacts
    )
    tag_contacts(pairs)
    return by_name


def tag_contacts(pairs: list[tuple[Contact, harbour.Person]]) -> None:
    names = {harbour.DEMO_TAG, *(name for _, person in pairs for name in person.tags)}
    tags = {tag.name: tag for tag in Tag.objects.bulk_create(Tag(name=name) for name in sorted(names))}
    through = Contact.tags.through
    through.objects.bulk_create(
        through(contact=contact, tag=tags[name])
        for contact, person in pairs
        for name in (harbour.DEMO_TAG, *person.tags)
    )


def make_campaigns() -> None:
    """Reminders for everybody, and what confirms an appointment once: what customers book is confirmed by its calendar,
    with a file."""
    at_once, before = Step.Anchor.AT_ONCE, Step.Anchor.BEFORE_START
    reminder = Campaign.objects.create(name="Appointment reminder")
    Step.objects.bulk_create(
        Step(
            campaign=reminder,
            position=place,
            anchor=before,
            offset=offset,
            subject=subject,
            body=harbour.REMINDER_BODY,
        )
        for place, (offset, subject) in enumerate(
            (
                (minutes(24 * 60), "Tomorrow: {{ appointment.calendar }}"),
                (minutes(60), "In an hour: {{ appointment.calendar }}"),
            )
        )
    )
    text = Campaign.objects.create(name="Confirmation by text", made_by=[Origin.STAFF])
    Step.objects.create(
        campaign=text, anchor=at_once, offset=minutes(0), medium=Step.Medium.SMS, body=harbour.TEXT_BODY
    )
    mail = Campaign.objects.create(name="Confirmation by e-mail", made_by=[Origin.GOOGLE])
    Step.objects.create(
        campaign=mail,
        anchor=at_once,
        offset=minutes(0),
        subject="Your appointment: {{ appointment.starts_at }}",
        body=harbour.CONFIRMATION_BODY,
    )


def make_appointments(
    users: dict[str, User],
    calendars: dict[str, Calendar],
    contacts: dict[str, Contact],
    *,
    now: datetime.datetime,
) -> int:
    """Around `now`. What is over is silent; what lies ahead enters the campaign, as if it was just booked."""
    today = now.astimezone(ZONE).date()
    length = {diary.name: minutes(diary.minutes) for diary in harbour.DIARIES}
    for visit in harbour.VISITS:
        starts_at = datetime.datetime.combine(working_day(today, visit.days), visit.at, tzinfo=ZONE)
        is_over = starts_at <= now
        status = "showed" if is_over and visit.status in ("", "confirmed") else visit.status
        if not is_over and status not in ("", "confirmed", "cancelled"):
            status = ""
        booking.book(
            calendar=calendars[visit.diary],
            contact=contacts[visit.contact],
            owner=users[visit.owner],
            by=users[visit.owner],
            starts_at=starts_at.astimezone(datetime.UTC),
            ends_at=(starts_at + length[visit.diary]).astimezone(datetime.UTC),
            guests=[contacts[name] for name in visit.guests],
            status=status or None,
            title=visit.title,
            fires=not is_over,
            why=IN_ADVANCE if is_over else "",
        )
    return len(harbour.VISITS)


def working_day(today: datetime.date, days: int) -> datetime.date:
    """The day `days` working days from `today`; 0 is today, or the Monday after a weekend."""
    day = today + datetime.timedelta(days=max(0, 7 - today.weekday()) if today.weekday() > 4 else 0)
    step = datetime.timedelta(days=1 if days > 0 else -1)
    for _ in range(abs(days)):
        day += step
        while day.weekday() > 4:
            day += step
    return day


def minutes(count: int) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)
