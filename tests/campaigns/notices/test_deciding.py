"""Who is told of a change, and of what: tables."""

import pytest

from campaigns.firing import UNDONE
from campaigns.notices.deciding import (
    CUSTOMERS_ONLY,
    GOOGLES,
    HAS_BEGUN,
    NEVER_TOLD,
    NO_NOTICES,
    Facts,
    Knows,
    Verdict,
    knows,
    verdict,
    why_unwanted,
)

NEVER_TOLD_OFF = "They had not been told that it was cancelled."
NOTHING_SENT = "Nothing had been sent."


@pytest.mark.parametrize(
    ("setting", "made_by", "changed_by", "booked_it", "why"),
    [
        ("customers", "customer", "customer", True, ""),
        ("customers", "customer", "staff", True, ""),
        ("customers", "customer", "google", False, ""),
        ("customers", "staff", "staff", False, CUSTOMERS_ONLY),
        # Staff made the class, a customer took a seat in it.
        ("customers", "staff", "customer", False, ""),
        ("customers", "staff", "staff", True, ""),
        ("customers", "google", "google", False, GOOGLES),
        ("all", "staff", "staff", False, ""),
        ("all", "customer", "customer", True, ""),
        ("all", "google", "staff", False, GOOGLES),
        ("none", "customer", "customer", True, NO_NOTICES),
        ("none", "staff", "staff", False, NO_NOTICES),
    ],
)
def test_the_calendar_says_whose_appointments_are_told(
    setting: str, made_by: str, changed_by: str, booked_it: bool, why: str
) -> None:
    assert why_unwanted(setting, made_by=made_by, changed_by=changed_by, booked_it=booked_it) == why


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], Knows.ELSEWHERE),
        ([("booked", "waiting")], Knows.NOTHING),
        ([("booked", "void")], Knows.NOTHING),
        ([("booked", "skipped")], Knows.ELSEWHERE),
        ([("booked", "failed")], Knows.ELSEWHERE),
        ([("booked", "sent")], Knows.STANDING),
        ([("booked", "sending")], Knows.STANDING),
        ([("booked", "unknown")], Knows.STANDING),
        ([("booked", "sent"), ("moved", "void")], Knows.STANDING),
        ([("booked", "sent"), ("cancelled", "waiting")], Knows.STANDING),
        ([("booked", "sent"), ("cancelled", "sent")], Knows.CANCELLED),
        ([("booked", "sent"), ("cancelled", "sent"), ("booked", "sent")], Knows.STANDING),
        ([("booked", "void"), ("cancelled", "skipped")], Knows.NOTHING),
        ([("cancelled", "skipped")], Knows.ELSEWHERE),
    ],
)
def test_what_people_know_is_what_reached_them(history: list[tuple[str, str]], expected: Knows) -> None:
    assert knows(history) is expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts("booked", "customer"), Verdict("booked")),
        (Facts("booked", "staff", of_one=True), Verdict("booked")),
        (Facts("rescheduled", "staff", knows=Knows.STANDING), Verdict("moved")),
        (Facts("rescheduled", "staff"), Verdict("moved")),
        (Facts("rescheduled", "staff", knows=Knows.NOTHING), Verdict("booked")),
        (Facts("rescheduled", "staff", knows=Knows.CANCELLED), Verdict("booked")),
        (Facts("cancelled", "customer", knows=Knows.STANDING), Verdict("cancelled")),
        (Facts("cancelled", "staff"), Verdict("cancelled")),
        # Confirmed: only where a person confirms, what nobody had confirmed.
        (Facts("confirmed", "staff", knows=Knows.STANDING), Verdict("confirmed")),
        (Facts("confirmed", "staff", knows=Knows.NOTHING), Verdict("booked")),
        (Facts("confirmed", "staff", confirms_automatically=True), None),
        (Facts("confirmed", "staff", was_new=False), None),
        (Facts("confirmed", "google"), None),
        (Facts("showed", "staff"), None),
        (Facts("no_show", "staff"), None),
        (Facts("invalid", "staff"), None),
        # Silent changes stay silent, with their reason.
        (Facts("rescheduled", "google", knows=Knows.STANDING), Verdict("moved")),
        (Facts("rescheduled", "google", fires=False, why="Quiet."), Verdict("moved", "Quiet.")),
        (Facts("cancelled", "google", fires=False), Verdict("cancelled", "The change was made silently.")),
        # A guest taken off here is told, one who declined at Google is not.
        (
            Facts("cancelled", "staff", fires=False, of_one=True, knows=Knows.STANDING),
            Verdict("cancelled"),
        ),
        (
            Facts("cancelled", "google", fires=False, of_one=True, why="Declined."),
            Verdict("cancelled", "Declined."),
        ),
        # Nothing was sent, so nothing is taken back, unless they saw on a page that it stands.
        (Facts("cancelled", "staff", knows=Knows.NOTHING), Verdict("cancelled", NOTHING_SENT)),
        (
            Facts("cancelled", "customer", knows=Knows.NOTHING, booked_it=True),
            Verdict("cancelled", NOTHING_SENT),
        ),
        (Facts("cancelled", "staff", knows=Knows.NOTHING, booked_it=True), Verdict("cancelled")),
        (
            Facts("cancelled", "staff", knows=Knows.CANCELLED),
            Verdict("cancelled", "They had been told that it is cancelled."),
        ),
        # What stands again is told to whoever thinks it does not.
        (
            Facts("booked", "staff", fires=False, is_return=True, knows=Knows.CANCELLED),
            Verdict("booked"),
        ),
        (
            Facts("booked", "google", fires=False, is_return=True, knows=Knows.CANCELLED),
            Verdict("booked"),
        ),
        (Facts("booked", "staff", fires=False, is_return=True, knows=Knows.NOTHING), Verdict("booked")),
        (
            Facts("booked", "staff", fires=False, is_return=True, knows=Knows.STANDING),
            Verdict("booked", NEVER_TOLD_OFF),
        ),
        # A move that is taken back is told to whoever was told of it, or is owed an earlier word.
        (Facts("rescheduled", "staff", is_undone=True, knows=Knows.STANDING), Verdict("moved", UNDONE)),
        (Facts("rescheduled", "staff", fires=False, is_undo=True), Verdict("moved", NEVER_TOLD)),
        (
            Facts("rescheduled", "staff", fires=False, is_undo=True, knows=Knows.STANDING),
            Verdict("moved", NEVER_TOLD),
        ),
        (
            Facts("rescheduled", "staff", fires=False, is_undo=True, knows=Knows.STANDING, behind="moved"),
            Verdict("moved"),
        ),
        (
            Facts(
                "rescheduled", "staff", fires=False, is_undo=True, behind="confirmed", knows=Knows.STANDING
            ),
            Verdict("confirmed"),
        ),
        (
            Facts("rescheduled", "staff", fires=False, is_undo=True, knows=Knows.NOTHING),
            Verdict("booked"),
        ),
        (Facts("booked", "customer", has_begun=True), Verdict("booked", HAS_BEGUN)),
        (Facts("cancelled", "staff", has_begun=True), Verdict("cancelled", HAS_BEGUN)),
    ],
)
def test_every_change_has_its_notice_or_a_reason_why_not(facts: Facts, expected: Verdict | None) -> None:
    assert verdict(facts) == expected
