"""One person, two way, connected to canned pages; and a second Google calendar of theirs for what rivals write."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from calendars.models import SyncRun
from integrations.google.account_http import AccountHttp
from integrations.google.client import CalendarClient
from integrations.models import GoogleCalendar
from tests.benchmarks.google_pages import NOW, Pages
from tests.factories import (
    CalendarFactory,
    ConfigurationFactory,
    GoogleAccountFactory,
    GoogleCalendarFactory,
    MembershipFactory,
    UserFactory,
)


class Scene:
    def __init__(self, *, fires: bool = False) -> None:
        """`fires`: what is imported counts as newer than the configuration, so its triggers fire."""
        self.user = UserFactory(email="dana@example.com")
        self.account = GoogleAccountFactory(user=self.user)
        self.google_calendar = GoogleCalendarFactory(account=self.account, sync_token="")
        self.other = GoogleCalendarFactory(account=self.account, google_id="other", is_primary=False)
        self.calendar = CalendarFactory()
        MembershipFactory(calendar=self.calendar, user=self.user)
        ConfigurationFactory(
            user=self.user,
            linked_calendar=self.google_calendar,
            default_calendar=self.calendar,
            sync_option="two_way",
            allow_contact_creation=True,
            allow_trigger=True,
            policy_since=NOW - timedelta(days=9 * fires),
        )

    def client(self, pages: Pages) -> CalendarClient:
        return CalendarClient(self.account, AccountHttp(self.account, pages))

    def forget(self) -> None:
        """As it was before the first pull."""
        for google_calendar in (self.google_calendar, self.other):
            google_calendar.events.all()._raw_delete("default")
        SyncRun.objects.all().delete()
        GoogleCalendar.objects.filter(pk=self.google_calendar.pk).update(
            sync_token="", next_full_at=None, window_starts_at=None, window_ends_at=None
        )
        self.google_calendar.refresh_from_db()


@contextmanager
def google_answers(pages: Pages) -> Iterator[Pages]:
    """The network ends in `pages` for every client that is made inside."""
    with patch("integrations.google.client.new_http", lambda: pages):
        yield pages
