"""Events that go from one Google calendar of a person to another, and calendars that nobody reads any more."""

import itertools

import pytest

from contacts.models import Appointment
from tests.calendars.sync.scenes import LATER, MINUTE, Scene, configure, disconnect
from tests.google import Desk, Google

pytestmark = pytest.mark.django_db
WHERE_MADE = pytest.mark.parametrize("where", ["here", "there"])
ORDERS = pytest.mark.parametrize(
    "order", list(itertools.permutations(("first", "second"))), ids=lambda order: "-then-".join(order)
)


@WHERE_MADE
def test_push_that_finds_its_event_dragged_away_waits_for_the_other_calendar(
    google: Google, where: str
) -> None:
    """The push is the first to see that it is gone: no pull has told of it yet."""
    scene = Scene(google, conflicts=["second"])
    appointment, event_id = scene.made(where)
    scene.drag(event_id, "first", "second")
    scene.now += MINUTE
    scene.move(appointment)
    scene.turn("first", pulls=False)
    scene.sweep()
    appointment = scene.fresh(appointment)
    assert (appointment.status, appointment.starts_at) == ("new", LATER)
    assert scene.changes(appointment) == [("rescheduled", "staff")]
    scene.assert_quiet()


class TestCopiesWhereNobodyReads:
    """Of what lies in a calendar that is not read any more nobody knows whether it stands."""

    def test_deletion_counts_once_the_account_was_changed(self, google: Google) -> None:
        scene = Scene(google)
        appointment, _ = scene.booked()
        scene.change_account("new@tandem.example")
        [event] = scene.events("new")
        scene.delete("new", event["id"])
        scene.sweep()
        assert scene.fresh(appointment).status == "cancelled"

    def test_event_deleted_in_the_new_account_is_put_back(self, google: Google) -> None:
        scene = Scene(google, "one_way", creation=False)
        appointment, _ = scene.booked()
        scene.change_account("new@tandem.example")
        [event] = scene.events("new")
        scene.delete("new", event["id"])
        scene.sweep()
        scene.move(appointment)
        scene.sweep()
        assert [each["start"]["dateTime"][:10] for each in scene.events("new")] == [f"{LATER:%Y-%m-%d}"]

    def test_deletion_counts_where_the_linked_calendar_was_changed_and_the_event_dragged_along(
        self, google: Google
    ) -> None:
        scene = Scene(google)
        second = scene.add_calendar("second")
        appointment, event_id = scene.imported()
        scene.configure(linked_calendar=second)
        scene.drag(event_id, "first", "second")
        scene.sweep("second")
        scene.delete("second", event_id)
        scene.sweep("second")
        assert scene.fresh(appointment).status == "cancelled"

    @pytest.mark.parametrize("leaves", ["disconnects", "unlinks"])
    def test_meeting_that_is_cancelled_ends_though_a_colleague_left(
        self, google: Google, leaves: str
    ) -> None:
        scene, colleague = Scene(google), Desk(google)
        google.control.add_person("boss@out.org")
        meeting = google.add("boss@out.org", guests=(scene.address, colleague.address))
        scene.sweep()
        colleague.turn()
        scene.sweep()
        appointment = Appointment.objects.get()
        assert appointment.hosts.count() == 2
        if leaves == "disconnects":
            disconnect(colleague)
        else:
            configure(colleague, scene.now, linked_calendar=None)
        google.delete("boss@out.org", meeting)
        scene.sweep()
        assert scene.fresh(appointment).status == "cancelled"
