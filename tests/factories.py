"""Rows that tests start from. Appointments are made by `calendars.booking`, never here."""

import datetime

import factory
from factory.django import DjangoModelFactory

from calendars.models import Calendar, CalendarConfiguration, GoogleEvent, Membership
from contacts.models import Contact, ContactEmail, User
from integrations.fields import encrypt
from integrations.models import GoogleAccount, GoogleCalendar


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"staff{n}@tandem.example")
    first_name = factory.Sequence(lambda n: f"Staff{n}")
    last_name = "Member"

    @factory.post_generation
    def password(self, create: bool, extracted: str | None, **kwargs: object) -> None:
        self.set_password(extracted or "correct horse")
        if create:
            self.save()


class ContactFactory(DjangoModelFactory[Contact]):
    """`address="ann@x.org"` gives the contact that primary address; `address=None` gives none."""

    class Meta:
        model = Contact
        skip_postgeneration_save = True

    first_name = factory.Sequence(lambda n: f"Ann{n}")
    last_name = "Lee"

    @factory.post_generation
    def address(self, create: bool, extracted: str | None, **kwargs: object) -> None:
        if create and extracted:
            ContactEmail.objects.create(contact=self, address=extracted, is_primary=True)


class CalendarFactory(DjangoModelFactory[Calendar]):
    class Meta:
        model = Calendar

    name = factory.Sequence(lambda n: f"Consultations {n}")
    slug = factory.Sequence(lambda n: f"consultations-{n}")
    kind = Calendar.Kind.PERSONAL
    colour = "#2f6fde"


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    calendar = factory.SubFactory(CalendarFactory)
    user = factory.SubFactory(UserFactory)


class GoogleAccountFactory(DjangoModelFactory[GoogleAccount]):
    """A connected account whose tokens are worthless unless a test issues real ones at the sandbox."""

    class Meta:
        model = GoogleAccount

    user = factory.SubFactory(UserFactory)
    subject = factory.Sequence(lambda n: f"subject-{n}")
    address = factory.SelfAttribute("user.email")
    access_token = factory.LazyFunction(lambda: encrypt("access"))
    refresh_token = factory.LazyFunction(lambda: encrypt("refresh"))
    access_expires_at = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


class GoogleCalendarFactory(DjangoModelFactory[GoogleCalendar]):
    class Meta:
        model = GoogleCalendar

    account = factory.SubFactory(GoogleAccountFactory)
    google_id = factory.SelfAttribute("account.address")
    summary = factory.SelfAttribute("google_id")
    access_role = GoogleCalendar.Access.OWNER
    is_primary = True
    sync_token = "token"


class ConfigurationFactory(DjangoModelFactory[CalendarConfiguration]):
    class Meta:
        model = CalendarConfiguration

    user = factory.SubFactory(UserFactory)


class GoogleEventFactory(DjangoModelFactory[GoogleEvent]):
    class Meta:
        model = GoogleEvent

    google_calendar = factory.SubFactory(GoogleCalendarFactory)
    google_id = factory.Sequence(lambda n: f"event{n}")
    etag = factory.Sequence(lambda n: f'"{n}"')
    summary = "Consultation"
