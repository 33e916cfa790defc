"""The calendar file, read back by a strict small reader of RFC 5545 that knows nothing of the library we write with."""

import datetime
import re
import uuid
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.ics import Entry, Method, Person, calendar_file, google_add_url, uid_of

UTC = datetime.UTC
START = datetime.datetime(2026, 3, 3, 10, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
STAMP = datetime.datetime(2026, 2, 1, 12, tzinfo=UTC)
ENTRY = Entry(
    appointment_id=uuid.UUID("11db9532-7413-4d64-a685-b81337e89374"),
    sequence=3,
    starts_at=START,
    ends_at=START + datetime.timedelta(minutes=30),
    summary="Physiotherapy",
    organizer=Person("Harbour Physio", "no-reply@harbour.example"),
    attendee=Person("Ada Lovelace", "ada@example.com"),
    description="With Dana",
    location="12 High Street",
    url="https://crm.example.com/book/appointments/a.1:x-Y_z/",
)
LINE = re.compile(r'([A-Z-]+)((?:;[A-Z-]+=(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*):(.*)')
PARAMETER = re.compile(r';([A-Z-]+)=("[^"]*"|[^";:,]*)')
Properties = dict[str, tuple[dict[str, str], str]]


def read(file: bytes) -> tuple[Properties, Properties]:
    """The properties of the calendar and of its one event: name → (parameters, value as written)."""
    assert file.endswith(b"\r\n")
    physical = file[:-2].split(b"\r\n")
    assert all(len(line) <= 75 for line in physical), "a line is folded at 75 octets"
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", file), "no control characters"
    assert all(b"\n" not in line and b"\r" not in line for line in physical)
    # Folds may not cut a character in two: each piece is UTF-8 of its own.
    lines = re.sub("\n ", "", "\n".join(line.decode("utf-8") for line in physical)).split("\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VEVENT", "END:VCALENDAR"]
    begin = lines.index("BEGIN:VEVENT")
    return _properties(lines[1:begin]), _properties(lines[begin + 1 : -2])


def _properties(lines: list[str]) -> Properties:
    found: Properties = {}
    for line in lines:
        match = LINE.fullmatch(line)
        assert match, line
        name, parameters, value = match.groups()
        assert name not in found, f"{name} twice"
        assert name not in ("BEGIN", "END"), line
        found[name] = ({key: text.strip('"') for key, text in PARAMETER.findall(parameters)}, value)
    return found


def text(value: str) -> str:
    """RFC 5545, 3.3.11: nothing but backslash, comma, semicolon and line break is escaped, and those always."""
    assert not re.search(r"(?<!\\)(?:\\\\)*[,;]", value), value
    assert not re.search(r"(?<!\\)(?:\\\\)*\\[^\\,;nN]", value), value
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)


def test_an_invitation_has_what_readers_ask_for() -> None:
    calendar, event = read(calendar_file(ENTRY, Method.REQUEST, stamp=STAMP))
    assert {name: value for name, (_, value) in calendar.items()} == {
        "VERSION": "2.0",
        "PRODID": "-//Tandem CRM//Appointments//EN",
        "CALSCALE": "GREGORIAN",
        "METHOD": "REQUEST",
    }
    assert {name: value for name, (_, value) in event.items()} == {
        "UID": "11db9532-7413-4d64-a685-b81337e89374@appointments.tandem-crm",
        "SEQUENCE": "3",
        "DTSTAMP": "20260201T120000Z",
        "DTSTART": "20260303T080000Z",
        "DTEND": "20260303T083000Z",
        "STATUS": "CONFIRMED",
        "SUMMARY": "Physiotherapy",
        "DESCRIPTION": "With Dana",
        "LOCATION": "12 High Street",
        "URL": ENTRY.url,
        "ORGANIZER": "mailto:no-reply@harbour.example",
        "ATTENDEE": "mailto:ada@example.com",
    }
    assert event["ORGANIZER"][0] == {"CN": "Harbour Physio"}
    assert event["ATTENDEE"][0] == {
        "CN": "Ada Lovelace",
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "FALSE",
    }


@pytest.mark.parametrize(
    ("method", "status"),
    [(Method.REQUEST, "CONFIRMED"), (Method.CANCEL, "CANCELLED"), (Method.PUBLISH, "CONFIRMED")],
)
def test_every_method_names_the_same_entry(method: Method, status: str) -> None:
    calendar, event = read(calendar_file(ENTRY, method, stamp=STAMP))
    assert (calendar["METHOD"][1], event["STATUS"][1]) == (method.value, status)
    assert event["UID"][1] == uid_of(ENTRY.appointment_id)
    assert ("ATTENDEE" in event) is (method is not Method.PUBLISH)


@pytest.mark.parametrize("method", [Method.REQUEST, Method.CANCEL])
def test_what_asks_for_an_answer_is_addressed_to_somebody(method: Method) -> None:
    with pytest.raises(ValueError, match="addressed"):
        calendar_file(replace(ENTRY, attendee=None), method, stamp=STAMP)


def test_who_asked_for_it_has_accepted() -> None:
    _, event = read(calendar_file(replace(ENTRY, has_agreed=True), Method.REQUEST, stamp=STAMP))
    assert event["ATTENDEE"][0]["PARTSTAT"] == "ACCEPTED"


@pytest.mark.parametrize(("has_agreed", "answer"), [(True, "TENTATIVE"), (False, "NEEDS-ACTION")])
def test_what_nobody_confirmed_is_tentative_until_it_is_cancelled(has_agreed: bool, answer: str) -> None:
    entry = replace(ENTRY, is_tentative=True, has_agreed=has_agreed)
    _, event = read(calendar_file(entry, Method.REQUEST, stamp=STAMP))
    assert (event["STATUS"][1], event["ATTENDEE"][0]["PARTSTAT"]) == ("TENTATIVE", answer)
    _, event = read(calendar_file(entry, Method.CANCEL, stamp=STAMP))
    assert event["STATUS"][1] == "CANCELLED"


def test_empty_texts_are_left_out() -> None:
    _, event = read(
        calendar_file(replace(ENTRY, description="", location="", url=""), Method.REQUEST, stamp=STAMP)
    )
    assert not {"DESCRIPTION", "LOCATION", "URL"} & set(event)


def test_commas_semicolons_line_breaks_and_long_lines_of_emoji_come_back_as_they_were() -> None:
    long = "Knee; hip, \\ back " + "🦵" * 60
    entry = replace(
        ENTRY, summary=long, description="One,\ntwo;\r\nthree\\n", location="Leith, Edinburgh; 1st"
    )
    _, event = read(calendar_file(entry, Method.REQUEST, stamp=STAMP))
    assert text(event["SUMMARY"][1]) == long
    assert text(event["DESCRIPTION"][1]) == "One,\ntwo;\nthree\\n"
    assert text(event["LOCATION"][1]) == "Leith, Edinburgh; 1st"


def test_nothing_a_person_types_becomes_a_property_of_its_own() -> None:
    evil = 'x"\r\nATTENDEE:mailto:all@example.com\r\nEND:VEVENT\n\x00\x07;CN=y:'
    person = Person(evil, f"ada@example.com{evil}")
    entry = replace(
        ENTRY,
        summary=evil,
        description=evil,
        location=evil,
        url=f"https://x.example/{evil}",
        organizer=person,
        attendee=person,
    )
    _, event = read(calendar_file(entry, Method.REQUEST, stamp=STAMP))
    assert len(event) == 12


ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)


@given(summary=ANY, description=ANY, name=ANY)
def test_any_text_makes_a_file_that_can_be_read(summary: str, description: str, name: str) -> None:
    entry = replace(ENTRY, summary=summary, description=description, attendee=Person(name, "ada@example.com"))
    _, event = read(calendar_file(entry, Method.REQUEST, stamp=STAMP))
    assert (
        text(event["SUMMARY"][1]).split()
        == re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", summary).split()
    )


def test_google_is_offered_the_same_entry() -> None:
    url = google_add_url("https://calendar.google.com/calendar/render", replace(ENTRY, summary="Tea & cake"))
    assert url.startswith("https://calendar.google.com/calendar/render?")
    assert {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()} == {
        "action": "TEMPLATE",
        "text": "Tea & cake",
        "dates": "20260303T080000Z/20260303T083000Z",
        "details": f"With Dana\n\n{ENTRY.url}",
        "location": "12 High Street",
    }


def test_the_link_stands_once_in_what_google_is_offered() -> None:
    told = f"With Dana\nMove or cancel it: {ENTRY.url}"
    url = google_add_url("https://calendar.google.com/calendar/render", replace(ENTRY, description=told))
    assert parse_qs(urlsplit(url).query)["details"] == [told]
