"""What we read of an event, and what we write; the letters and numbers are those of the rules kept."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calendars.models import GoogleEvent
from calendars.sync.observation import columns
from integrations.google.events import (
    CRM_KEY,
    LOCAL_ETAG,
    EventDraft,
    EventPatch,
    Unreadable,
    answer_for_us,
    merge_attendees,
    read_event,
    write_draft,
    write_patch,
)
from integrations.google.events.reading import LONGEST_ETAG

UTC = datetime.UTC
NINE = datetime.datetime(2026, 11, 2, 9, tzinfo=UTC)
TEN = datetime.datetime(2026, 11, 2, 10, tzinfo=UTC)


def event(**fields: Any) -> dict[str, Any]:
    return {
        "id": "abc",
        "etag": '"1"',
        "status": "confirmed",
        "start": {"dateTime": "2026-11-02T09:00:00Z"},
        "end": {"dateTime": "2026-11-02T10:00:00Z"},
        **fields,
    }


def read(raw: object, *, zone: str = "Europe/London", calendar_id: str = "") -> Any:
    return read_event(raw, calendar_time_zone=zone, calendar_id=calendar_id)


def test_timed_event_is_read_in_utc() -> None:
    remote = read(
        event(
            start={"dateTime": "2026-11-02T10:00:00+01:00", "timeZone": "Europe/Berlin"},
            end={"dateTime": "2026-11-02T11:30:00+01:00", "timeZone": "Europe/Berlin"},
        )
    )
    assert (remote.starts_at, remote.ends_at) == (NINE, TEN + datetime.timedelta(minutes=30))
    assert (remote.time_zone, remote.is_all_day) == ("Europe/Berlin", False)


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        ({"dateTime": "2026-07-02T09:00:00", "timeZone": "Europe/Berlin"}, "America/New_York"),
        ({"dateTime": "2026-07-02T09:00:00"}, "Europe/Berlin"),
        ({"dateTime": "2026-07-02T09:00:00", "timeZone": "Nowhere/Atall"}, "UTC"),
    ],
)
def test_w7_time_without_offset_takes_its_own_zone_then_the_calendars(
    value: dict[str, str], zone: str
) -> None:
    hour = 9 if zone == "UTC" else 7
    assert read(event(start=value, end=value), zone=zone).starts_at == datetime.datetime(
        2026, 7, 2, hour, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("first", "after", "zone", "starts_at", "hours"),
    [
        ("2026-03-29", "2026-03-30", "Europe/London", "2026-03-29T00:00Z", 23),
        ("2026-10-25", "2026-10-26", "Europe/London", "2026-10-24T23:00Z", 25),
        ("2026-11-02", "2026-11-04", "America/New_York", "2026-11-02T05:00Z", 48),
        # Midnight does not exist on this day in Santiago: the day begins with the change, at 01:00.
        ("2026-09-06", "2026-09-07", "America/Santiago", "2026-09-06T04:00Z", 23),
        # It ends on the day it starts: some old events do.
        ("2026-11-02", "2026-11-02", "UTC", "2026-11-02T00:00Z", 24),
    ],
)
def test_w7_all_day_event_covers_the_days_of_the_calendars_zone(
    first: str, after: str, zone: str, starts_at: str, hours: int
) -> None:
    remote = read(event(start={"date": first}, end={"date": after}), zone=zone)
    assert remote.is_all_day
    assert remote.starts_at == datetime.datetime.fromisoformat(starts_at)
    assert remote.ends_at - remote.starts_at == datetime.timedelta(hours=hours)


@pytest.mark.parametrize(
    "raw",
    [
        *(None, [], {}, {"id": 5}, {"id": ""}),
        *(
            {"id": google_id, "status": "cancelled"}
            for google_id in ("nul\x00l", "x" * 1025, "é" * 600, "\ud800")
        ),
    ],
)
def test_what_has_no_id_is_unreadable(raw: object) -> None:
    with pytest.raises(Unreadable):
        read(raw)


@pytest.mark.parametrize(
    "times",
    [
        {"start": {}, "end": {}},
        {"start": {"dateTime": "soon"}},
        {"start": {"date": "2026-11-02"}, "end": {"dateTime": "2026-11-02T10:00:00Z"}},
        {"start": {"dateTime": "2026-11-02T10:00:00Z"}, "end": {"date": "2026-11-02"}},
        {"end": {"dateTime": "2026-11-02T08:00:00Z"}},
        {"start": {"dateTime": "0001-01-01T00:00:00+14:00"}},
        {"start": "tomorrow"},
        # On some clocks these lie in no year that there is.
        {"start": {"dateTime": "0001-01-01T10:00:00Z"}},
        {"end": {"date": "9999-12-31"}, "start": {"date": "2026-11-02"}},
    ],
)
def test_living_event_without_a_sensible_time_is_unreadable_by_its_id(times: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as caught:
        read(event(**times))
    assert caught.value.google_id == "abc"


def test_title_with_half_a_character_or_a_nul_is_read_without_it() -> None:
    assert read(event(summary="Visit \ud83d soon\x00")).summary == "Visit ? soon"


ODD = "é\x00\ud800İ" * 2000


@pytest.mark.parametrize("text", [ODD, f"https://{ODD}"[:1000]])
def test_no_text_of_googles_is_more_than_a_row_can_hold(text: str) -> None:
    person = {"email": text, "displayName": text, "responseStatus": text}
    remote = read(
        event(
            **dict.fromkeys(
                ("etag", "status", "eventType", "iCalUID", "recurringEventId", "summary", "visibility"), text
            ),
            **dict.fromkeys(
                ("description", "location", "htmlLink", "hangoutLink", "created", "updated"), text
            ),
            start={"dateTime": "2026-11-02T09:00:00Z", "timeZone": text},
            organizer=person,
            attendees=[person | {"self": True}],
            originalStartTime={"date": text},
            extendedProperties={"private": {CRM_KEY: text}},
        )
    )
    kept = columns(remote, keeps_private=True)
    for name, value in kept.items():
        limit = GoogleEvent._meta.get_field(name).max_length
        assert not (isinstance(value, str) and limit) or len(value) <= limit, name
    everything = json.dumps(kept, default=str)
    assert "\\u0000" not in everything
    assert "\\ud800" not in everything
    assert len(remote.attendees[0].address) <= 254


@pytest.mark.parametrize(
    ("told", "kept"), [(3, 3), (3_000_000_000, 2**31 - 1), (2**70, 2**31 - 1), (-1, 0), (True, 0), ("7", 0)]
)
def test_sequence_is_a_number_that_a_row_can_hold(told: object, kept: int) -> None:
    assert read(event(sequence=told)).sequence == kept


def test_s11_tombstone_needs_nothing_but_its_id() -> None:
    remote = read({"id": "abc", "status": "cancelled"})
    assert remote.is_cancelled
    assert (remote.starts_at, remote.ends_at, remote.attendees) == (None, None, ())
    assert remote.etag


def test_etag_longer_than_a_row_can_hold_is_told_by_a_mark_of_ours() -> None:
    first, same, other = (read(event(etag=f'"{mark * 200}"')) for mark in "aab")
    assert first.etag == same.etag != other.etag
    assert first.etag.startswith(LOCAL_ETAG)
    assert len(first.etag) <= LONGEST_ETAG


def test_s11_tombstone_without_etag_differs_from_the_one_of_another_content() -> None:
    first, same, other = (read({"id": "abc", "status": "cancelled", "x": x}) for x in (1, 1, 2))
    assert first.etag == same.etag != other.etag


def test_s12_cancelled_occurrence_tells_its_series_and_original_start() -> None:
    remote = read(
        {
            "id": "abc_1",
            "status": "cancelled",
            "recurringEventId": "abc",
            "originalStartTime": {"dateTime": "2026-11-02T10:00:00+01:00"},
        }
    )
    assert (remote.recurring_event_id, remote.original_start) == ("abc", "2026-11-02T09:00:00Z")


def test_r2_original_start_of_an_all_day_occurrence_is_its_date() -> None:
    assert read(event(originalStartTime={"date": "2026-11-02"})).original_start == "2026-11-02"


@pytest.mark.parametrize(
    ("fields", "ours"),
    [
        ({}, True),
        ({"organizer": {"email": "me@example.com", "self": True}}, True),
        ({"organizer": {"email": "other@example.com"}}, False),
        ({"organizer": {"email": "unknownorganizer@calendar.google.com"}, "eventType": "outOfOffice"}, True),
        ({"organizer": {"email": "unknownorganizer@calendar.google.com"}}, True),
        ({"organizer": {"email": "other@example.com"}, "eventType": "focusTime"}, True),
        ({"organizer": {"email": "Cal@Group.example.com"}}, True),
        (
            {
                "organizer": {"email": "alias@example.com"},
                "attendees": [{"email": "alias@example.com", "self": True, "organizer": True}],
            },
            True,
        ),
    ],
)
def test_p2_p7_who_organised(fields: dict[str, Any], ours: bool) -> None:
    assert read(event(**fields), calendar_id="cal@group.example.com").organised_by_us is ours


@pytest.mark.parametrize(
    ("value", "free"), [(None, False), ("opaque", False), ("transparent", True), ("odd", False)]
)
def test_p6_absent_transparency_is_busy(value: str | None, free: bool) -> None:
    fields = {} if value is None else {"transparency": value}
    assert read(event(**fields)).is_free is free


def test_p9_unknown_values_and_shapes_are_read() -> None:
    remote = read(
        event(
            eventType="lunarCycle",
            status="pondering",
            visibility="whispered",
            attendees=[None, "x", {"responseStatus": "maybeLater", "email": " A@B.c "}],
            organizer="somebody",
            conferenceData={"entryPoints": "none"},
            sequence="7",
            created="long ago",
            extendedProperties={"private": []},
            newField={"a": [1]},
        )
    )
    assert (remote.event_type, remote.status, remote.visibility) == ("lunarCycle", "pondering", "whispered")
    assert [(each.address, each.response) for each in remote.attendees] == [("a@b.c", "maybeLater")]
    assert (remote.created_at, remote.sequence, remote.crm_id) == (None, 0, "")


KEYS = [
    "id",
    "etag",
    "status",
    "eventType",
    "iCalUID",
    "recurringEventId",
    "originalStartTime",
    "summary",
    "description",
    "location",
    "htmlLink",
    "hangoutLink",
    "conferenceData",
    "entryPoints",
    "entryPointType",
    "uri",
    "visibility",
    "transparency",
    "start",
    "end",
    "date",
    "dateTime",
    "timeZone",
    "organizer",
    "email",
    "self",
    "attendees",
    "attendeesOmitted",
    "locked",
    "extendedProperties",
    "private",
    "tandem",
    "created",
    "updated",
    "sequence",
    "displayName",
    "responseStatus",
    "resource",
    "optional",
]
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["cancelled", "2026-11-02", "9999-12-31", "0001-01-01", "2026-11-02T09:00:00Z", "America", "../x"]
    ),
    st.datetimes().map(lambda moment: moment.isoformat()),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(
    raw=st.dictionaries(st.sampled_from(KEYS), ANYTHING),
    zone=st.sampled_from(["UTC", "Europe/London", "x", ""]),
)
def test_p9_whatever_google_sends_is_read_or_set_aside(raw: dict[str, Any], zone: str) -> None:
    raw["id"] = "abc"
    try:
        remote = read(raw, zone=zone)
    except Unreadable:
        # A tombstone is always readable (S11).
        assert raw.get("status") != "cancelled"
        return
    assert (remote.starts_at is None) == (remote.ends_at is None)
    assert remote.starts_at is None or remote.starts_at <= remote.ends_at
    assert remote.starts_at is not None or remote.is_cancelled


def test_nul_and_endless_titles_fit_the_database() -> None:
    remote = read(event(summary="a\x00b" + "c" * 5000))
    assert remote.summary.startswith("abc")
    assert len(remote.summary) == 1024


def test_links_that_are_no_web_addresses_are_dropped() -> None:
    remote = read(event(htmlLink="javascript:alert(1)", hangoutLink="data:x"))
    assert (remote.html_link, remote.meeting_url) == ("", "")


def test_meeting_url_is_the_hangout_or_the_video_entry() -> None:
    zoom = {
        "entryPoints": [
            {"entryPointType": "phone", "uri": "tel:1"},
            {"entryPointType": "video", "uri": "https://z/1"},
        ]
    }
    assert read(event(conferenceData=zoom)).meeting_url == "https://z/1"
    assert read(event(conferenceData=zoom, hangoutLink="https://meet/1")).meeting_url == "https://meet/1"


def test_own_attendee_is_found_by_the_calendars_id_where_self_is_left_out() -> None:
    people = [{"email": "Dana@example.com"}, {"email": "guest@example.net"}]
    remote = read(event(attendees=people), calendar_id="dana@example.com")
    assert [each.is_self for each in remote.attendees] == [True, False]


def test_w11_our_mark_is_written_and_read_back() -> None:
    body = write_draft(draft())
    assert read(event(**{key: value for key, value in body.items() if key != "id"})).crm_id == "appointment-1"


def draft(**fields: Any) -> EventDraft:
    given: dict[str, Any] = {
        "event_id": "abc0",
        "summary": "Visit",
        "description": "",
        "location": "",
        "starts_at": NINE,
        "ends_at": TEN,
        "time_zone": "America/New_York",
        "crm_id": "appointment-1",
    }
    return EventDraft(**(given | fields))


def test_w7_draft_tells_offset_and_zone() -> None:
    assert write_draft(draft())["start"] == {
        "dateTime": "2026-11-02T04:00:00-05:00",
        "timeZone": "America/New_York",
    }


def test_w9_meet_is_asked_for_with_a_request_of_its_own() -> None:
    assert "conferenceData" not in write_draft(draft())
    asked = write_draft(draft(wants_meet=True, request_id="r-1"))["conferenceData"]["createRequest"]
    assert asked == {"requestId": "r-1", "conferenceSolutionKey": {"type": "hangoutsMeet"}}


def test_p4_invited_guest_needs_action() -> None:
    guests = write_draft(draft(attendees=(("g@example.net", "Gill"), ("h@example.net", ""))))["attendees"]
    assert guests == [
        {"email": "g@example.net", "responseStatus": "needsAction", "displayName": "Gill"},
        {"email": "h@example.net", "responseStatus": "needsAction"},
    ]


def test_w5_patch_sends_only_what_changes() -> None:
    assert write_patch(EventPatch(summary="", status="cancelled")) == {"summary": "", "status": "cancelled"}
    assert set(write_patch(EventPatch(starts_at=NINE, ends_at=TEN))) == {"start", "end"}


def test_w7_patch_of_an_all_day_event_takes_its_days_away() -> None:
    assert write_patch(EventPatch(starts_at=NINE, ends_at=TEN, was_all_day=True))["start"]["date"] is None


def test_w5_new_attendee_list_keeps_answers_rooms_and_ourselves() -> None:
    current = [
        {"email": "dana@example.com", "self": True, "organizer": True},
        {"email": "room@example.com", "resource": True},
        {"email": "G@example.net", "responseStatus": "accepted", "comment": "gladly"},
        {"email": "dropped@example.net"},
    ]
    merged = merge_attendees(
        current,
        [("g@example.net", "Gill"), ("new@example.net", "")],
        {"dropped@example.net", "dana@example.com"},
    )
    assert [person["email"] for person in merged] == [
        "dana@example.com",
        "room@example.com",
        "G@example.net",
        "new@example.net",
    ]
    assert merged[2] == current[2]


def test_p2_our_answer_leaves_the_other_guests_alone() -> None:
    people = [
        {"email": "dana@example.com", "self": True},
        {"email": "g@example.net", "responseStatus": "accepted"},
    ]
    answered = answer_for_us(people, "declined")
    assert [person.get("responseStatus") for person in answered] == ["declined", "accepted"]
    assert "responseStatus" not in people[0]
    assert answer_for_us([{"email": "g@example.net"}], "declined") == []
