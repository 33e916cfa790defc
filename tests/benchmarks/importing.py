"""A first import: into observations, then into appointments."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

from django.db import transaction
from django.db.models import F

from calendars.models import CalendarConfiguration, GoogleEvent
from calendars.sync.pull import pull
from calendars.sync.reconcile import BATCH, reconcile
from campaigns.models import Campaign, Enrolment, Message, Step
from campaigns.triggers import look_at
from contacts.models import Appointment, AppointmentChange
from tests.benchmarks.google_pages import NOW, Pages, calendar_of, event
from tests.benchmarks.rivals import (
    BareDriver,
    has_gcal_sync,
    list_with_the_bare_library,
    sync_with_gcal_sync,
)
from tests.benchmarks.scene import Scene
from tests.benchmarks.stopwatch import Figure, seconds, statements

EVENTS, WITH_GUESTS, DISTINCT = 10_000, 2_000, 1_500


def measure() -> Iterator[Figure]:
    scene, pages = Scene(), Pages(calendar_of(EVENTS, with_guests=WITH_GUESTS, distinct=DISTINCT))
    yield from _first_import(scene, pages)
    yield from _statements_a_page(scene)
    yield from _appointments(scene, pages)
    yield from _campaigns(scene)


def _first_import(scene: Scene, pages: Pages) -> Iterator[Figure]:
    def ours() -> None:
        pull(scene.google_calendar, scene.client(pages), NOW, full=True)

    ours()
    bare = BareDriver(scene.google_calendar, scene.other)
    assert len(bare.rows) == EVENTS
    times: list[list[float]] = []
    for _ in range(3):
        scene.other.events.all()._raw_delete("default")
        GoogleEvent.objects.filter(google_calendar=scene.google_calendar)._raw_delete("default")
        works = [ours, lambda: list_with_the_bare_library(pages), bare.write]
        if has_gcal_sync():
            works.append(lambda: sync_with_gcal_sync(pages))
        times.append([seconds(work) for work in works])
    pulled, listed, written, *others = (min(tries) for tries in zip(*times, strict=True))
    yield Figure(
        "import",
        f"first import of {EVENTS:,} events ÷ bare library and driver",
        pulled / (listed + written),
        " ×",
        "≤ 2",
    )
    yield Figure("import_s", "   seconds: ours", pulled)
    yield Figure("import_list_s", "   seconds: bare library lists and parses", listed)
    yield Figure("import_write_s", "   seconds: bare driver writes", written)
    if others:
        yield Figure(
            "gcal_sync", "   the same ÷ gcal_sync into its own store", pulled / others[0], " ×", "< 1"
        )


def _statements_a_page(scene: Scene) -> Iterator[Figure]:
    """By the difference between a long calendar and a short one, so that what a pull costs once is left out."""
    counts = {}
    for pages in (2, 12):
        scene.forget()
        canned = Pages(calendar_of(250 * pages, with_guests=50 * pages, distinct=30), page=250)
        with statements() as seen:
            pull(scene.google_calendar, scene.client(canned), NOW, full=True)
        counts[pages] = len(seen)
    each = (counts[12] - counts[2]) / 10
    yield Figure(
        "page", "statements a page of 250 events", each, "", "< 10", held=each < 10 and each == int(each)
    )


def _appointments(scene: Scene, pages: Pages) -> Iterator[Figure]:
    """Silently, as a first import is: the events are older than the configuration."""
    scene.forget()
    pull(scene.google_calendar, scene.client(pages), NOW, full=True)
    with transaction.atomic():
        # What hears of appointments on commit does not run: nothing is committed.
        alone = seconds(lambda: list(reconcile(scene.google_calendar, NOW)))
        assert Appointment.objects.count() == WITH_GUESTS
        transaction.set_rollback(True)
    took = seconds(lambda: list(reconcile(scene.google_calendar, NOW)))
    assert Appointment.objects.count() == WITH_GUESTS
    yield Figure(
        "appointments", "planned and applied: appointments a second", WITH_GUESTS / alone, "", "≥ 400"
    )
    yield Figure("planned", "   events a second, one in five becomes one", EVENTS / alone)
    yield Figure("heard", "   appointments a second with what campaigns do on commit", WITH_GUESTS / took)
    yield from _statements_a_batch(scene)


def _statements_a_batch(scene: Scene) -> Iterator[Figure]:
    """Again by the difference, with new events among which as many have guests."""
    counts = {}
    for batches in (1, 5):
        events = calendar_of(EVENTS + 1000 * batches + BATCH * batches)[-BATCH * batches :]
        for number, raw in enumerate(events):
            raw["attendees"] = [{"email": f"new{number % 50}@x.org"}] if number % 5 == 0 else []
        pull(scene.google_calendar, scene.client(Pages([], events)), NOW)
        with transaction.atomic():
            with statements() as seen:
                assert len(list(reconcile(scene.google_calendar, NOW))) == BATCH * batches
            transaction.set_rollback(True)
        GoogleEvent.objects.filter(google_calendar=scene.google_calendar).update(planned_etag=F("etag"))
        counts[batches] = len(seen)
    each = (counts[5] - counts[1]) / 4
    yield Figure("batch", f"   statements a batch of {BATCH} events, 50 of them appointments", each)


def _campaigns(scene: Scene) -> Iterator[Figure]:
    """As many appointments again, all of which fire and enter two campaigns of three steps each."""
    for name in ("Visit", "Follow-up"):
        campaign = Campaign.objects.create(name=name)
        for anchor in (Step.Anchor.AT_ONCE, Step.Anchor.BEFORE_START, Step.Anchor.AFTER_END):
            Step.objects.create(campaign=campaign, anchor=anchor, body="Hello {{ contact.first_name }}")
    CalendarConfiguration.objects.update(policy_since=NOW - timedelta(days=9))
    numbers = range(20_000, 20_000 + WITH_GUESTS)
    fresh = [event(number, (f"guest{number % DISTINCT}@x.org",)) for number in numbers]
    pull(scene.google_calendar, scene.client(Pages([], fresh)), NOW)
    with patch("django.utils.timezone.now", lambda: NOW):
        took = seconds(lambda: list(reconcile(scene.google_calendar, NOW)))
    assert (Enrolment.objects.count(), Message.objects.count()) == (2 * WITH_GUESTS, 6 * WITH_GUESTS)
    what = "   appointments a second with two campaigns of three steps that they enter"
    yield Figure("entered", what, WITH_GUESTS / took)
    yield from _statements_of_looking()


def _statements_of_looking() -> Iterator[Figure]:
    """What is looked at again finds its enrolments and messages; few enough that SQLite splits no insert."""
    counts = {}
    for number in (2, 8):
        pks = AppointmentChange.objects.order_by("-pk").values_list("pk", flat=True)[:number]
        changes = AppointmentChange.objects.filter(pk__in=list(pks))
        with transaction.atomic():
            changes.update(looked_at=None)
            for change in changes:
                change.trigger_events.all().delete()
            with statements() as seen:
                assert look_at(*changes.values_list("pk", flat=True), now=NOW) == number
            transaction.set_rollback(True)
        counts[number] = len(seen)
    yield Figure(
        "looked",
        f"   statements to look at 2 of them ({counts[2]}) and at 8",
        counts[8],
        "",
        "constant",
        counts[2] == counts[8],
    )
