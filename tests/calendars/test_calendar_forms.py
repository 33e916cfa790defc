"""The form of a calendar: lengths, addresses, kinds and the team, in words where something is wrong."""

import datetime
from typing import Any

import pytest
from django.http import QueryDict

from calendars.calendar_forms import CalendarEditor
from calendars.models import Calendar
from contacts.models import User
from tests.calendars.settings_pages import member_of, posted
from tests.desk import booked
from tests.factories import CalendarFactory, UserFactory

pytestmark = pytest.mark.django_db
Kind = Calendar.Kind


def editor(calendar: Calendar | None = None, **changed: Any) -> CalendarEditor:
    sent = QueryDict(mutable=True)
    for name, value in posted(calendar, **changed).items():
        sent[name] = str(value)
    return CalendarEditor(sent, calendar or Calendar(), viewer=UserFactory.create())


def errors(form: CalendarEditor) -> dict[str, list[str]]:
    assert not form.is_valid()
    return {name: list(words) for name, words in form.form.errors.items()}


def test_lengths_clean_to_durations() -> None:
    form = editor(
        duration="45", interval="", buffer_after="1 h", minimum_notice="2 d", change_deadline="36 h"
    )
    assert form.is_valid(), form.form.errors
    calendar = form.calendar
    assert calendar.duration == datetime.timedelta(minutes=45)
    assert calendar.interval is None
    assert calendar.buffer_after == datetime.timedelta(hours=1)
    assert calendar.minimum_notice == datetime.timedelta(days=2)
    assert calendar.change_deadline == datetime.timedelta(hours=36)


def test_stored_lengths_are_shown_as_they_are_typed() -> None:
    calendar = CalendarFactory.create(
        duration=datetime.timedelta(minutes=90), minimum_notice=datetime.timedelta(hours=36)
    )
    form = CalendarEditor(None, calendar, viewer=UserFactory.create()).form
    shown = [form[name].value() for name in ("duration", "minimum_notice", "interval")]
    assert shown[2] is None
    assert str(form["duration"]).count('value="90 min"') == 1
    assert str(form["minimum_notice"]).count('value="36 h"') == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("duration", "", "This field is required."),
        ("duration", "2 min", "At least 5 min, at most 1 d."),
        ("duration", "25 h", "At least 5 min, at most 1 d."),
        ("duration", "an hour", "“an hour” is no length of time. Write one such as 90 min, 4 h or 2 d."),
        ("minimum_notice", "4", "4 of what? Write 4 min, 4 h or 4 d."),
        ("change_deadline", "400 d", "At least 0 min, at most 365 d."),
        ("time_zone", "London", "“London” is no time zone. Choose one like Europe/London."),
        ("slug", "first visit", "Use letters, digits and hyphens alone, such as first-visit."),
        ("slug", "appointments", "“appointments” is an address of Tandem itself. Choose another."),
        ("horizon_days", "9999", "A whole number, at least 1, at most 400."),
        ("most_guests", "-1", "A whole number, at least 0, at most 50."),
        ("most_per_day", "few", "A whole number, at least 1, at most 1000."),
        ("colour", "red", "Write the colour as # and six digits, for example #2f6fde."),
    ],
)
def test_bad_input_is_refused_in_words_at_its_field(field: str, value: str, words: str) -> None:
    assert errors(editor(**{field: value})) == {field: [words]}


def test_a_taken_address_names_whose_it_is_and_one_that_is_free() -> None:
    CalendarFactory.create(name="Other", slug="first-visit")
    assert errors(editor(slug="First-Visit"))["slug"] == [
        "“first-visit” belongs to Other already. first-visit-2 is free."
    ]


def test_an_empty_address_is_made_from_the_name() -> None:
    form = editor(name="Erstes Gespräch")
    assert form.is_valid(), form.form.errors
    assert form.calendar.slug == "erstes-gesprach"


def test_what_another_kind_uses_is_ignored_whatever_was_typed() -> None:
    form = editor(kind="personal", seats="many", keeps_owner="on")
    assert form.is_valid(), form.form.errors
    assert (form.calendar.seats, form.calendar.keeps_owner) == (1, False)


def test_a_class_must_say_its_seats() -> None:
    assert errors(editor(kind="class", seats=""))["seats"] == ["Say how many seats the class has."]
    assert errors(editor(kind="class", seats="0"))["seats"] == ["A whole number, at least 1, at most 1000."]


def test_a_locked_kind_stays_whatever_is_posted() -> None:
    member = member_of()
    booked(member.user, calendar=member.calendar)
    form = editor(member.calendar, kind="class", seats="9")
    assert form.is_valid(), form.form.errors
    assert (form.calendar.kind, form.calendar.seats) == ("personal", 1)


def test_a_locked_kind_that_is_not_posted_at_all_stays_too() -> None:
    member = member_of(CalendarFactory.create(kind=Kind.CLASS, seats=8))
    booked(member.user, calendar=member.calendar)
    sent = QueryDict(mutable=True)
    for name, value in posted(member.calendar, seats="8").items():
        if name != "kind":
            sent[name] = str(value)
    form = CalendarEditor(sent, member.calendar, viewer=member.user)
    assert form.is_valid(), form.form.errors
    assert (form.calendar.kind, form.calendar.seats) == ("class", 8)


# --- the team ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pair() -> tuple[User, User]:
    return UserFactory.create(first_name="Ada"), UserFactory.create(first_name="Ben")


def test_the_team_is_read_row_by_row_and_removed_rows_are_left_out(pair: tuple[User, User]) -> None:
    ada, ben = pair
    form = editor(kind="round_robin", team=[(ada, 2, True, False), (ben, 0, True, True)])
    assert form.is_valid(), form.rows.errors
    assert [(row.user, row.priority, row.is_active) for row in form.members or []] == [(ada, 2, True)]


def test_somebody_who_stands_twice_is_named_at_the_second_row(pair: tuple[User, User]) -> None:
    ada, _ = pair
    form = editor(kind="round_robin", team=[(ada, 0, True, False), (ada, 1, True, False)])
    assert not form.is_valid()
    assert form.rows.forms[1].errors == {"user": ["Ada Member is in the list already."]}


def test_two_active_members_of_a_personal_calendar_are_refused_at_the_team(pair: tuple[User, User]) -> None:
    ada, ben = pair
    form = editor(kind="personal", team=[(ada, 0, True, False), (ben, 1, True, False)])
    assert not form.is_valid()
    assert list(form.rows.non_form_errors()) == [
        "A personal calendar has one host. Leave one member active, or choose another kind."
    ]


def test_the_team_of_an_unassigned_calendar_is_ignored_even_when_it_is_wrong(pair: tuple[User, User]) -> None:
    ada, _ = pair
    form = editor(kind="unassigned", team=[(ada, 0, True, False), (ada, -1, True, False)])
    assert form.is_valid(), form.form.errors
    assert form.members is None


def test_a_new_calendar_starts_with_whoever_makes_it() -> None:
    viewer = UserFactory.create()
    rows = CalendarEditor(None, Calendar(), viewer=viewer).rows
    assert [row["user"].value() for row in rows] == [viewer.pk, None, None]


def test_a_person_who_left_stays_selectable_only_where_they_are_a_member() -> None:
    gone = UserFactory.create(is_active=False)
    member = member_of(user=gone)
    assert gone.pk in CalendarEditor(None, member.calendar, viewer=member.user).rows.forms[0].people
    assert gone.pk not in CalendarEditor(None, Calendar(), viewer=member.user).rows.forms[0].people
