"""One appointment on its way to one Google calendar: what is missing there is written, and what is left taken away."""

import contextlib
import logging

from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from calendars.models import GoogleEvent, PushTarget
from calendars.sync import sessions, targets, unheard
from calendars.sync.gather import words_of, words_of_event
from calendars.sync.new_ids import take_new_ids
from calendars.sync.observation import MISSING, REMOVED, columns
from calendars.sync.plan import MOVED_ON_BOTH_SIDES
from calendars.sync.push.again import look_at_last_try
from calendars.sync.push.elsewhere import stands_elsewhere, was_dragged_away
from calendars.sync.setting import Setting
from calendars.sync.wish import Wish
from calendars.sync.words import PUT_BACK, WAS_PUT_BACK
from contacts.models import Appointment, Origin
from integrations.google.client import CalendarClient
from integrations.google.errors import AlreadyThere, Changed, Gone, Refused, TryLater
from integrations.google.events import RemoteEvent

logger = logging.getLogger(__name__)

# One or two are taken by events that were deleted; the next try goes on from there.
IDS_A_TRY = 5


class Push:
    """One appointment on its way to one Google calendar."""

    def __init__(self, target: PushTarget, client: CalendarClient, setting: Setting) -> None:
        self.target = target
        self.client = client
        self.setting = setting
        self.google_calendar = target.google_calendar
        self.appointment = target.appointment
        self.calendar = target.appointment.calendar
        self.wish = Wish(target)
        # Ids that Google called taken though nothing stands there.
        self.taken = 0
        self.row = GoogleEvent.objects.filter(
            google_calendar=self.google_calendar, google_id=target.event_id
        ).first()

    @property
    def send_updates(self) -> str:
        """Always passed (W8): Google invites when the calendar says so, otherwise nobody is told."""
        return "all" if self.wish.invites else "none"

    @property
    def _is_read(self) -> bool:
        """Whether pulls go on, so that what a person does there is ever planned."""
        return self.google_calendar.next_pull_at is not None

    def run(self) -> str:
        """Do what is missing at Google; says what was done. Raises Changed, Refused, TryLater, Reconnect."""
        if self.target.is_adopted and self.setting.is_only_read:
            return "lies in a Google calendar that is only read"
        if self.target.is_unheard and self._is_read:
            look_at_last_try(self.target, self.row, self.client, self.setting)
        self._remove_earlier()
        if self._was_cancelled_there():
            return "cancelled at Google already"
        if self._is_kept_private():
            return "kept at Google as a private block"
        if self.target.is_withdrawn or self.appointment.is_void:
            return self._remove()
        if self._was_deleted_there():
            return self._bring_back()
        if self.row is None and not self.target.is_adopted:
            return "stands in another Google calendar" if was_dragged_away(self.target) else self._insert()
        return self._patch()

    def _was_cancelled_there(self) -> bool:
        """Google's own event ended the appointment (deleted, no guest left): what stands there is the person's."""
        by_google = self.appointment.is_void and self.appointment.status_set_by == Origin.GOOGLE
        return by_google and self.target.is_adopted

    def _is_kept_private(self) -> bool:
        """A person keeps the event as a private block: the appointment ended here alone, for every copy."""
        kept = GoogleEvent.objects.filter(
            appointment=self.appointment, decision=GoogleEvent.Decision.KEEP_PRIVATE
        )
        return self.appointment.is_void and self.target.is_adopted and kept.exists()

    def _was_deleted_there(self) -> bool:
        return self.row is not None and self.row.is_cancelled

    def _bring_back(self) -> str:
        """Deleted at Google, kept here (one way, or restored here): it comes back under the next generation."""
        if not self._is_read:
            # Nobody would ever plan its deletion, and nothing is put where nobody looks.
            return "deleted in a Google calendar that is not read any more"
        if self.row is not None and not self.row.is_planned:
            raise Changed("Its deletion at Google is looked at first.")
        if self._is_freed():
            return "its person has no part in the appointment any more"
        if stands_elsewhere(self.target, self.row):
            return "stands in another Google calendar"
        self._next_generation()
        return self._insert()

    def _is_freed(self) -> bool:
        """Whoever took their copy of a meeting away is free, whatever has become of the others' copies since."""
        user = self.google_calendar.account.user_id
        return self.target.is_adopted and not self.appointment.hosts.filter(user=user).exists()

    def _next_generation(self) -> None:
        target = self.target
        target.generation += 1
        target.event_id = targets.event_id(self.appointment, target.generation)
        target.is_adopted = False
        target.save(update_fields=["generation", "event_id", "is_adopted"])

    def _insert(self) -> str:
        self._remove_earlier()
        draft = self.wish.draft()
        try:
            with unheard.trying(self.target, draft.starts_at, draft.ends_at):
                event = self.client.insert_event(
                    self.google_calendar.google_id,
                    draft,
                    send_updates=self.send_updates,
                    time_zone=self.google_calendar.time_zone,
                )
        except AlreadyThere:
            return self._meet_earlier_try()
        self._agree(event)
        return "inserted"

    def _remove_earlier(self) -> None:
        """Events of earlier generations that may still be there: brought back before their removal was pushed, or
        alive although Google called them gone.
        """
        if not self.target.generation:
            return
        ids = targets.earlier_ids(self.target, self.appointment)
        rows = GoogleEvent.objects.filter(google_calendar=self.google_calendar, google_id__in=ids)
        # What a pull only did not list may live on outside its window.
        told = rows.filter(status="cancelled").exclude(etag__endswith=MISSING)
        gone = set(told.values_list("google_id", flat=True))
        etags = dict(rows.exclude(status="cancelled").values_list("google_id", "etag"))
        for event_id in ids:
            if event_id not in gone:
                self._remove_as_it_is(event_id, etags.get(event_id, ""))
        rows.exclude(google_id__in=gone).update(
            etag=Concat("etag", Value(REMOVED)),
            planned_etag=Concat("etag", Value(REMOVED)),
            status="cancelled",
            blocks=False,
            outcome=GoogleEvent.Outcome.CANCELLED,
            gone_at=timezone.now(),
            reason="Replaced by another event.",
        )

    def _meet_earlier_try(self) -> str:
        """An earlier try came through and its answer was lost (W2); or it was deleted since, and the id stays taken."""
        event = self._get(self.target.event_id)
        if event is None or event.is_cancelled:
            self.taken += 1
            if self.taken == IDS_A_TRY:
                raise Refused("Google calls every id for its event taken.", "duplicate")
            self._next_generation()
            return self._insert()
        if event.is_series:
            if not self._is_read:
                return "made to repeat in a Google calendar that is not read any more"
            # A write would go to all of it: the next pull tells which occurrence is ours now.
            raise Changed("A person made it repeat at Google meanwhile.")
        self._agree(event)
        self.row = GoogleEvent.objects.get(google_calendar=self.google_calendar, google_id=event.google_id)
        return self._patch()

    def _patch(self) -> str:
        self._check_is_known()
        patch = self.wish.difference(self.row, follows=self._follows)
        if patch is None:
            return "Google has it already"
        try:
            with unheard.trying(self.target, patch.starts_at, patch.ends_at):
                event = self.client.patch_event(
                    self.google_calendar.google_id,
                    self.target.event_id,
                    patch,
                    etag=self.row.etag if self.row else self.target.etag,
                    send_updates=self.send_updates,
                    time_zone=self.google_calendar.time_zone,
                )
        except Gone as error:
            # Not cancelled on this evidence: the event is asked for and the deletion planned like any other.
            raise Changed("Deleted at Google meanwhile.") from error
        if event.is_cancelled:
            raise Changed("Deleted at Google meanwhile.")
        self._agree(event, keeps_time=patch.starts_at is None)
        return "patched"

    @property
    def _follows(self) -> bool:
        """Whether what happens to the event happens to the appointment: one way protects what was made here."""
        is_ours = self.row is not None and self.row.crm_id != ""
        return self.setting.policy.edits or (self.appointment.came_from_google and not is_ours)

    def _check_is_known(self) -> None:
        """Nothing is written over what nobody looked at: given up by a disconnect, or not carried out yet.

        In a Google calendar that is not read any more nothing is ever planned: having seen it is enough.
        """
        row = self.row
        if row is None:
            return
        is_looked_at = row.planned_etag == row.etag or not self._is_read
        if not row.etag or not is_looked_at:
            raise Changed("What Google holds is looked at first.")

    def _remove(self) -> str:
        """Cancelled here, or no longer at home in this Google calendar."""
        if self.row is not None and self.row.is_cancelled:
            return "gone already"
        if self.row is not None and not self.row.organised_by_us:
            return self._decline()
        if self.row is None and not self.target.pushed_revision:
            # An insert whose answer was lost may have come through, or its worker have died before the answer.
            return self._remove_as_it_is(self.target.event_id)
        if self.row is not None and not self.row.etag:
            raise Changed("What Google holds is looked at first.")
        # Also where no try is known to have come through: its worker may have died before the answer.
        self._delete(self.target.event_id, etag=self.row.etag if self.row else "")
        GoogleEvent.objects.filter(
            google_calendar=self.google_calendar, google_id=self.target.event_id
        ).update(
            # No etag of Google's: should the event be there after all, the next pull says so.
            etag=Concat("etag", Value(REMOVED)),
            planned_etag=Concat("etag", Value(REMOVED)),
            status="cancelled",
            blocks=False,
            outcome=GoogleEvent.Outcome.CANCELLED,
            gone_at=timezone.now(),
            is_left=False,
            agreed_cancelled=True,
            reason="Cancelled here and removed from Google.",
        )
        if self.row is not None:
            unheard.end_invitations(self.row)
        return "deleted"

    def _remove_as_it_is(self, event_id: str, etag: str = "") -> str:
        """Whatever became of it since it had `etag`; "": it was never seen. A write tells which state it means (W4)."""
        if etag:
            try:
                self._delete(event_id, etag=etag)
            except Changed:
                logger.info("An event that is to go was changed meanwhile.")
            else:
                return "deleted"
        event = self._get(event_id)
        if event is None or event.is_cancelled:
            return "never there"
        if event.is_series:
            return "made to repeat at Google: it is a person's series now"
        self._delete(event_id, etag=event.etag)
        return "deleted"

    def _delete(self, event_id: str, *, etag: str = "") -> None:
        is_current = event_id == self.target.event_id
        try:
            with unheard.trying(self.target, ends=True) if is_current else contextlib.nullcontext():
                self.client.delete_event(
                    self.google_calendar.google_id, event_id, etag=etag, send_updates=self.send_updates
                )
        except Gone as error:
            # 404 is ambiguous (W14), and a deleted event can still be asked for (S13): believed when it is said twice.
            event = self._get(event_id)
            if event is not None and not event.is_cancelled:
                raise TryLater("Google did not find an event that it still shows.") from error
            logger.info("Event of appointment %s was deleted already.", self.appointment.pk)

    def _decline(self) -> str:
        """A guest's copy: the meeting is not ours to delete, so cancelling declines."""
        try:
            with unheard.trying(self.target, ends=True):
                event = self.client.respond(
                    self.google_calendar.google_id,
                    self.target.event_id,
                    "declined",
                    send_updates=self.send_updates,
                    time_zone=self.google_calendar.time_zone,
                )
        except Gone as error:
            raise Changed("Deleted at Google meanwhile.") from error
        self._observe(
            event,
            outcome=GoogleEvent.Outcome.FREE,
            blocks=False,
            reason="Cancelled here: declined at Google.",
        )
        return "declined"

    def _get(self, event_id: str) -> RemoteEvent | None:
        try:
            return self.client.get_event(
                self.google_calendar.google_id, event_id, time_zone=self.google_calendar.time_zone
            )
        except Gone:
            return None

    def _agree(self, event: RemoteEvent, *, keeps_time: bool = False) -> None:
        """Both sides now say what the answer says; its echo in the next pull has the same etag and plans nothing.

        `keeps_time`: of the time nothing was said, which may differ. Agreed is then the appointment's.
        """
        if event.meeting_url and event.meeting_url != self.appointment.meeting_url:
            self.appointment.meeting_url = event.meeting_url[:500]
            told = [self.appointment.pk]
            if sessions.is_seat(self.appointment):
                told += sessions.seats(self.appointment).values_list("pk", flat=True)
            Appointment.objects.filter(pk__in=told).update(meeting_url=self.appointment.meeting_url)
        ours = (self.appointment.starts_at, self.appointment.ends_at)
        agreed = ours if keeps_time else (event.starts_at, event.ends_at)
        made = (
            "In Google since it was booked here."
            if not self.target.is_adopted
            else "Changed here; Google has it."
        )
        if self.row is not None and agreed != (event.starts_at, event.ends_at):
            made = self.row.reason  # why the two differ
        if self.row is not None and MOVED_ON_BOTH_SIDES in self.row.reason:
            made = "Moved on both sides: the time set here won, and Google has it."
        if self.row is not None and PUT_BACK in self.row.reason:
            made = self.row.reason.replace(MOVED_ON_BOTH_SIDES, made).replace(PUT_BACK, WAS_PUT_BACK)
        self._observe(
            event,
            outcome=GoogleEvent.Outcome.APPOINTMENT,
            blocks=not event.is_free,
            colour=self.calendar.colour,
            outline=False,
            reason=made,
            agreed_starts_at=agreed[0],
            agreed_ends_at=agreed[1],
        )
        self.target.etag = event.etag

    def _observe(self, event: RemoteEvent, **made: object) -> None:
        if event.google_id != self.target.event_id:
            take_new_ids(self.google_calendar, [event])
        GoogleEvent.objects.update_or_create(
            google_calendar=self.google_calendar,
            google_id=event.google_id,
            defaults={
                **columns(event, keeps_private=self.setting.keeps_private),
                "appointment": self.appointment,
                # Not `replan`: who decided about it meanwhile is heard next.
                "planned_etag": event.etag,
                "agreed_etag": event.etag,
                "agreed_starts_at": event.starts_at,
                "agreed_ends_at": event.ends_at,
                "agreed_cancelled": self.appointment.is_void,
                "agreed_words": [words_of_event(event).prints, words_of(self.appointment).prints],
                "error": "",
                "is_left": False,
                **made,
            },
        )
