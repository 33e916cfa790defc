"""What the database reckons of moments is what Python reckons, whichever database it is."""

import datetime
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from campaigns.figures.moments import YEARS_AHEAD, YEARS_BACK, Before, Day, stretches
from campaigns.models import IncomingText

UTC = datetime.UTC
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
YEAR = 2026
# Whole hours, no summer time, half and quarter hours, half an hour of summer time, across the date line.
ZONES = ["Europe/London", "America/New_York", "UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]
ZONES += ["Pacific/Kiritimati"]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(datetime.datetime(YEAR, 11, 2, tzinfo=UTC), tick=False):
        yield


def kept(moments: list[datetime.datetime]) -> None:
    texts = [IncomingText(sid=str(number)) for number in range(len(moments))]
    IncomingText.objects.bulk_create(texts)
    for text, moment in zip(texts, moments, strict=True):
        IncomingText.objects.filter(sid=text.sid).update(at=moment)


def around(moment: datetime.datetime) -> list[datetime.datetime]:
    return [moment - timedelta(microseconds=1), moment - SECOND, moment, moment + timedelta(microseconds=500)]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ZONES)
def test_a_day_is_the_day_on_the_clocks_of_that_zone(name: str) -> None:
    zone = ZoneInfo(name)
    moments = []
    for year in (YEAR - YEARS_BACK - 5, YEAR - 1, YEAR, YEAR + YEARS_AHEAD + 3):
        for month, day in ((1, 1), (3, 29), (4, 5), (7, 15), (10, 26), (12, 31)):
            moments += around(datetime.datetime(year, month, day, tzinfo=zone).astimezone(UTC))
    for changes_at, _ in stretches(zone, YEAR - 2, YEAR + 1):
        moments += around(changes_at)
    kept(moments)
    told = IncomingText.objects.annotate(day=Day("at", tzinfo=zone)).values_list("at", "day")
    assert len(told) == len(moments)
    assert [(at, day) for at, day in told if day != at.astimezone(zone).date()] == []


def test_clocks_change_at_the_second_they_do() -> None:
    (start, winter), spring, autumn = stretches(ZoneInfo("Europe/London"), 2026, 2026)
    assert (start, winter) == (datetime.datetime(2026, 1, 1, tzinfo=UTC), timedelta())
    assert spring == (datetime.datetime(2026, 3, 29, 1, tzinfo=UTC), HOUR)
    assert autumn == (datetime.datetime(2026, 10, 25, 1, tzinfo=UTC), timedelta())


@pytest.mark.django_db
@pytest.mark.parametrize("lead", [timedelta(), timedelta(minutes=90), timedelta(days=2, hours=3)])
def test_a_while_before_is_exact_and_in_order(lead: timedelta) -> None:
    moments = around(datetime.datetime(2026, 3, 1, 9, tzinfo=UTC))
    kept(moments)
    rows = IncomingText.objects.annotate(then=Before("at", lead)).order_by("then")
    assert [text.then for text in rows] == sorted(moment - lead for moment in moments)
    for moment in moments:
        assert rows.filter(then__lt=moment - lead).count() == sum(each < moment for each in moments)
