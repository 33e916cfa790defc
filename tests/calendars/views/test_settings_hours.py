"""The hours page: whose hours one may change, what a plain post saves, and what is said before."""

import datetime
import re

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from calendars.models import Calendar, CalendarConfiguration, DateOverride, Membership, WeeklyHours
from tests.calendars.settings_pages import CALENDARS, browser_of, manager, member_of, text, week, works
from tests.desk import HOUR, NOW, booked
from tests.factories import CalendarFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
TEN = NOW + HOUR
WORKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def member() -> Membership:
    """Works nine to five, and sits at the browser."""
    return member_of(user__first_name="Ada")


@pytest.fixture
def client(member: Membership) -> Client:
    return browser_of(member.user)


def own(member: Membership) -> str:
    return f"{CALENDARS}{member.calendar_id}/hours/"


def stored(member: Membership) -> list[tuple[int, str]]:
    rows = WeeklyHours.objects.filter(membership=member)
    return [(row.weekday, f"{row.starts:%H:%M}-{row.ends:%H:%M}") for row in rows]


# --- who may ----------------------------------------------------------------------------------------------------


def test_a_member_changes_their_own_hours_by_a_plain_post(client: Client, member: Membership) -> None:
    sent = week(monday=[("08:00", "12:00"), ("13:00", "16:00")], saturday=[("22:00", "02:00")])
    response = client.post(own(member), sent, follow=True)
    assert response.redirect_chain == [(own(member), 302)]
    assert stored(member) == [(0, "08:00-12:00"), (0, "13:00-16:00"), (5, "22:00-02:00")]
    assert "Until 02:00 on Sunday" in text(response)


def test_the_hours_of_a_colleague_need_the_permission(client: Client, member: Membership) -> None:
    colleague = member_of(CalendarFactory.create(kind="collective"))
    path = f"{CALENDARS}{colleague.calendar_id}/hours/{colleague.pk}/"
    refused = client.get(path)
    assert refused.status_code == 403
    assert "You may change your own hours." in text(refused)
    assert client.post(path, week()).status_code == 403
    assert len(stored(colleague)) == 5
    assert browser_of(manager()).post(path, week()).status_code == 302
    assert stored(colleague) == []


def test_who_is_no_member_has_no_hours_there(member: Membership) -> None:
    answer = browser_of(UserFactory.create()).get(own(member))
    assert answer.status_code == 403
    assert "You are not a member of this calendar" in text(answer)


def test_the_hours_of_a_member_are_found_under_their_own_calendar_alone(member: Membership) -> None:
    other = CalendarFactory.create()
    assert browser_of(manager()).get(f"{CALENDARS}{other.pk}/hours/{member.pk}/").status_code == 404


def test_an_unassigned_calendar_s_hours_are_changed_by_its_owner_and_by_who_may() -> None:
    owner = UserFactory.create()
    room = CalendarFactory.create(kind=Calendar.Kind.UNASSIGNED, owner=owner, time_zone="Asia/Tokyo")
    path = f"{CALENDARS}{room.pk}/hours/"
    for user in (owner, manager()):
        assert "Asia/Tokyo" in text(browser_of(user).get(path))
        assert browser_of(user).post(path, week(monday=[("08:00", "10:00")])).status_code == 302
    assert room.weeklyhours_set.count() == 1
    assert browser_of(UserFactory.create()).get(path).status_code == 403


# --- the week ---------------------------------------------------------------------------------------------------


def test_hours_are_told_in_the_member_s_own_zone_and_else_in_the_calendar_s(
    client: Client, member: Membership
) -> None:
    Calendar.objects.update(time_zone="Europe/Paris")
    assert "on the clocks of Europe/Paris" in text(client.get(own(member)))
    CalendarConfiguration.objects.create(user=member.user, time_zone="Europe/London")
    assert "on the clocks of Europe/London" in text(client.get(own(member)))


def test_the_usual_week_is_offered_and_not_stored() -> None:
    member = MembershipFactory.create()
    client = browser_of(member.user)
    page = text(client.get(own(member)))
    assert "has no weekly hours, so no time is offered" in page
    offered = text(client.get(own(member) + "?usual=1"))
    assert offered.count('value="09:00"') == 5
    assert "Nothing is stored yet" in offered
    assert stored(member) == []


def test_overlapping_hours_are_refused_at_the_field_and_stay_as_typed(
    client: Client, member: Membership
) -> None:
    page = text(client.post(own(member), week(monday=[("09:00", "12:00"), ("11:00", "13:00")])))
    assert page.count("Overlaps 09:00 to 12:00. Join the two, or leave a gap.") == 2
    assert 'href="#id_day_0_1_starts"' in page
    assert 'id="id_day_0_1_starts" value="11:00"' in page
    assert len(stored(member)) == 5


def test_without_a_script_a_row_is_added_and_a_day_copied_without_saving(
    client: Client, member: Membership
) -> None:
    sent = {name: value for name, value in week(monday=[("08:00", "12:00")]).items() if name != "week"}
    page = text(client.post(own(member), {**sent, "add": "0"}))
    assert page.count('name="day-0-starts"') == 2
    page = text(client.post(own(member), {**sent, "copy": "0", "copy-0": ["1", "5"]}))
    assert page.count('value="08:00"') == 3
    assert len(stored(member)) == 5


def test_an_emptied_week_says_that_nothing_is_offered(client: Client, member: Membership) -> None:
    page = text(client.post(own(member), week(), follow=True))
    assert "has no weekly hours, so no time is offered" in page
    assert stored(member) == []


# --- before saving ----------------------------------------------------------------------------------------------


def test_shorter_hours_name_who_would_stand_outside_before_anything_is_saved(
    client: Client, member: Membership
) -> None:
    appointment = booked(member.user, TEN, calendar=member.calendar)
    booked(member.user, TEN + 4 * HOUR, calendar=member.calendar)
    sent = week(**{day: [("13:00", "17:00")] for day in WORKDAYS})
    page = text(client.post(own(member), sent))
    assert "1 upcoming appointment would no longer fit" in page
    assert appointment.contact.name in page
    assert stored(member)[0] == (0, "09:00-17:00")
    client.post(own(member), {**sent, "anyway": "1"})
    assert stored(member)[0] == (0, "13:00-17:00")
    appointment.refresh_from_db()
    assert (appointment.starts_at, appointment.status, appointment.revision) == (TEN, "new", 1)


def test_back_shows_the_week_as_it_was_typed(client: Client, member: Membership) -> None:
    booked(member.user, TEN, calendar=member.calendar)
    page = text(client.post(own(member), {**week(monday=[("13:00", "17:15")]), "back": "1"}))
    assert 'value="17:15"' in page
    assert len(stored(member)) == 5


def test_an_appointment_elsewhere_or_of_somebody_else_is_no_concern(
    client: Client, member: Membership
) -> None:
    booked(member.user, TEN)
    booked(UserFactory.create(), TEN, calendar=CalendarFactory.create(kind="collective"))
    booked(member.user, TEN, calendar=member.calendar, status="cancelled")
    assert client.post(own(member), week()).status_code == 302


def test_the_hours_of_somebody_who_is_not_asked_concern_no_appointment() -> None:
    member = member_of(is_active=False)
    booked(member.user, TEN, calendar=member.calendar, hosts=[member.user])
    assert browser_of(member.user).post(own(member), week()).status_code == 302


def test_a_room_s_hours_are_looked_at_too() -> None:
    room = CalendarFactory.create(kind=Calendar.Kind.UNASSIGNED, owner=UserFactory.create())
    works(room)
    booked(UserFactory.create(), TEN, calendar=room)
    answer = browser_of(manager()).post(f"{CALENDARS}{room.pk}/hours/", week())
    assert "Outside the new hours" in text(answer)


# --- dates ------------------------------------------------------------------------------------------------------


def test_a_closed_day_is_saved_listed_and_removed_again(client: Client, member: Membership) -> None:
    sent = {"date": "1", "date-on": "2026-12-24", "date-until": "2026-12-26", "date-is_closed": "on"}
    page = text(client.post(own(member), sent, follow=True))
    assert "Thu 24 December 2026 to Sat 26 December 2026" in page
    assert "Closed</div>" in page
    assert DateOverride.objects.filter(membership=member, starts=None).count() == 3
    client.post(own(member), {"forget": "2026-12-24 2026-12-25 2026-12-26 "})
    assert not DateOverride.objects.exists()


def test_a_closed_date_says_that_the_night_before_goes_on(client: Client, member: Membership) -> None:
    WeeklyHours.objects.create(membership=member, weekday=2, starts=datetime.time(20), ends=datetime.time(4))
    sent = {"date": "1", "date-on": "2026-12-24", "date-is_closed": "on"}
    page = text(client.post(own(member), sent, follow=True))
    assert "Saved: the date is closed. The night from Wednesday goes on until 04:00." in page
    assert "Closed; the night from Wednesday goes on until 04:00" in page


def test_dates_that_are_over_are_hidden(client: Client, member: Membership) -> None:
    DateOverride.objects.create(membership=member, on=NOW.date() - datetime.timedelta(days=1))
    assert "November 2026" not in text(client.get(own(member)))


def test_a_closed_day_names_its_appointments_first(client: Client, member: Membership) -> None:
    booked(member.user, TEN, calendar=member.calendar)
    sent = {"date": "1", "date-on": "2026-11-23", "date-is_closed": "on"}
    assert "1 upcoming appointment would no longer fit" in text(client.post(own(member), sent))
    assert not DateOverride.objects.exists()
    client.post(own(member), {**sent, "anyway": "1"})
    assert DateOverride.objects.count() == 1


def test_a_date_in_error_keeps_what_was_typed(client: Client, member: Membership) -> None:
    sent = {"date": "1", "date-on": "2026-12-24", "date-starts": ["09:00"], "date-ends": [""]}
    page = text(client.post(own(member), sent))
    assert "Give both times, or leave both empty." in page
    assert 'value="2026-12-24"' in page
    assert not DateOverride.objects.exists()


@pytest.mark.parametrize(
    "posted", [{"forget": "nonsense 2026-99-99"}, {"add": "9"}, {"copy": "0", "copy-0": "x"}]
)
def test_an_odd_post_breaks_nothing(client: Client, member: Membership, posted: dict[str, str]) -> None:
    sent = week(**{day: [("09:00", "17:00")] for day in WORKDAYS})
    assert client.post(own(member), {**sent, **posted}).status_code in (200, 302)
    assert len(stored(member)) == 5


def test_the_page_takes_as_many_queries_for_three_dates_as_for_one(
    client: Client, member: Membership, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 2):
        for more in range(count):
            DateOverride.objects.create(
                membership=member, on=NOW.date() + datetime.timedelta(days=count * 9 + 2 * more)
            )
        with django_assert_num_queries(9):
            client.get(own(member))


# --- two who save -----------------------------------------------------------------------------------------------


def prints(client: Client, member: Membership) -> list[str]:
    """What the page remembers, of the week first and of the dates last."""
    return re.findall(r'name="drawn_from" value="([^"]*)"', client.get(own(member)).content.decode())


def test_a_week_that_was_changed_meanwhile_is_not_overwritten_unseen(
    client: Client, member: Membership
) -> None:
    seen = prints(client, member)[0]
    client.post(own(member), week(monday=[("08:00", "12:00")]) | {"drawn_from": seen})
    typed = week(tuesday=[("10:15", "11:15")]) | {"drawn_from": seen}
    refused = client.post(own(member), typed)
    assert "It was changed meanwhile: Monday, Tuesday" in text(refused)
    assert 'value="10:15"' in refused.content.decode()
    assert stored(member) == [(0, "08:00-12:00")]
    again = re.findall(r'name="drawn_from" value="([^"]*)"', refused.content.decode())[0]
    client.post(own(member), typed | {"drawn_from": again})
    assert stored(member) == [(1, "10:15-11:15")]


def test_a_date_that_was_changed_meanwhile_is_not_overwritten_unseen(
    client: Client, member: Membership
) -> None:
    seen = prints(client, member)[-1]
    closed = {"date": "1", "date-on": "2026-12-24", "date-is_closed": "on"}
    client.post(own(member), closed | {"drawn_from": seen})
    other = {"date": "1", "date-on": "2026-12-24", "date-starts": "09:00", "date-ends": "12:00"}
    refused = client.post(own(member), other | {"drawn_from": seen})
    assert "It was changed meanwhile: 24 December 2026." in text(refused)
    assert 'value="09:00"' in refused.content.decode()
    assert DateOverride.objects.get().starts is None
    # Another date is nobody's loss.
    client.post(own(member), other | {"drawn_from": seen, "date-on": "2026-12-28"})
    assert DateOverride.objects.count() == 2
    assert "nothing was removed" in text(
        client.post(own(member), {"forget": "2026-12-24", "drawn_from": seen}, follow=True)
    )
    assert DateOverride.objects.count() == 2
