"""The notices of appointments, as delivery sees them."""

import datetime
from collections.abc import Collection, Hashable
from functools import cache
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection

from campaigns.answering import answers_to
from campaigns.delivery.claims import message_id_of
from campaigns.delivery.mailing import Mailing, Objection, unreachable
from campaigns.delivery.writing import Condition, as_parameter, exists
from campaigns.firing import UNDONE
from campaigns.models import Notice, Outgoing, OutgoingQuerySet, Step
from campaigns.notices.calendar_files import file_of
from campaigns.notices.standing import Standing, standing_of, with_standing
from campaigns.notices.wording import rendered
from campaigns.transports import Letter, TryLater
from contacts.models import Appointment, Contact, Origin

State, Kind = Notice.State, Notice.Kind


class Notices(Mailing[Notice]):
    model: ClassVar[type[Outgoing]] = Notice
    mediums = (Step.Medium.EMAIL.value,)

    def rows(self) -> OutgoingQuerySet[Notice]:
        return Notice.objects.all()

    def read(self, pks: Collection[int]) -> list[Notice]:
        return list(with_standing(Notice.objects.filter(pk__in=pks)).order_by("due_at", "pk"))

    def addressee(self, row: Notice) -> Contact:
        return row.contact

    def about(self, row: Notice) -> str:
        return row.get_kind_display()

    def appointment(self, row: Notice) -> Appointment:
        return row.appointment

    def bears_on(self, row: Notice) -> Hashable:
        """What one notice told, or that it was left out, decides whether the next is news."""
        return row.appointment_id, row.contact_id

    def by_mediums(self, rows: OutgoingQuerySet[Notice], mediums: list[str]) -> OutgoingQuerySet[Notice]:
        return rows if Step.Medium.EMAIL in mediums else rows.none()

    def objection(self, row: Notice, now: datetime.datetime) -> Objection | None:
        """Whether it still says something new and true, then whether it may be said to this person.

        Do-not-disturb holds back what staff did. What people did themselves is confirmed to them all the same: they
        wait for that word, and it is part of what they asked for.
        """
        standing = standing_of(row)
        why = _why_void(row, standing)
        if why:
            return Objection(State.VOID, why)
        why = _why_left_out(row, standing, now)
        if why:
            return Objection(State.SKIPPED, why)
        if not row.message_id and any(each.state == State.SENDING for each in standing.earlier):
            raise TryLater("The notice before it is on its way.")
        return None

    def letter(self, row: Notice, now: datetime.datetime) -> Letter:
        standing = standing_of(row)
        words = rendered(row, standing, now)
        return Letter(
            recipient=standing.recipient,
            subject=words.subject,
            text=words.text,
            html=words.html,
            message_id=message_id_of(row),
            reply_to=answers_to(row.appointment),
            # Two invitations would stand beside each other in their calendar.
            calendar=None if standing.google_invites else file_of(row, standing.recipient, now),
        )

    def still(self, row: Notice, letter: Letter) -> Condition:
        appointment = row.appointment
        uuid = Appointment._meta.pk.get_db_prep_value(appointment.pk, connection)
        return Condition(
            _same(is_own_doing=row.is_own_doing),
            (
                row.contact_id,
                uuid,
                as_parameter(appointment.starts_at),
                as_parameter(appointment.ends_at),
                appointment.status,
                appointment.revision,
                uuid,
                row.contact_id,
                row.pk,
            ),
        )

    def also_kept(self, row: Notice, letter: Letter) -> dict[str, object]:
        return {
            "told_start": row.appointment.starts_at,
            "told_end": row.appointment.ends_at,
            "told_status": row.appointment.status,
            "calendar_file": letter.calendar.content if letter.calendar else "",
        }


@cache
def _same(*, is_own_doing: bool) -> str:
    """What asks whether all is as it was read, and no newer notice stands."""
    wish = "" if is_own_doing else " AND NOT no_email"
    no_reason = ", ".join(f"'{state}'" for state in (State.SKIPPED, State.VOID))
    newer = f"appointment_id = %s AND contact_id = %s AND id > %s AND state NOT IN ({no_reason})"
    contact = exists(Contact, f"id = %s AND archived_at IS NULL{wish}")
    time = exists(
        Appointment, "id = %s AND starts_at = %s AND ends_at = %s AND status = %s AND revision = %s"
    )
    return f"{contact} AND {time} AND NOT {exists(Notice, newer)}"


def _why_void(notice: Notice, standing: Standing) -> str:
    appointment = notice.appointment
    is_off = appointment.is_void or not standing.is_guest
    if any(each.state not in (State.SKIPPED, State.VOID) for each in standing.newer):
        return "A newer notice says how things stand."
    if notice.kind == Kind.CANCELLED:
        return "" if is_off else "The appointment stands again."
    if appointment.is_void:
        return f"The appointment is {appointment.get_status_display().lower()}."
    if notice.kind == Kind.MOVED and notice.change.is_undone:
        return UNDONE
    if is_off:
        return "No longer a guest of the appointment."
    return "They were told already." if _is_old_news(notice, standing) else ""


def _is_old_news(notice: Notice, standing: Standing) -> bool:
    """A notice tells things as they are when it leaves, and may so have told of a change before that was looked at."""
    last, appointment = standing.last_told, notice.appointment
    if last is None or last.kind == Kind.CANCELLED:
        return False
    is_same_time = (last.told_start, last.told_end) == (appointment.starts_at, appointment.ends_at)
    return is_same_time and (
        notice.kind == Kind.MOVED
        or (notice.kind == Kind.CONFIRMED and last.told_status == appointment.status)
    )


def _why_left_out(notice: Notice, standing: Standing, now: datetime.datetime) -> str:
    if now >= notice.appointment.starts_at:
        return "The appointment had begun."
    if notice.contact.archived_at is not None:
        return "The contact is archived."
    if notice.contact.no_email and not notice.is_own_doing:
        return "The contact is not to be e-mailed."
    if standing.google_invites and not _is_said_beside_google(notice):
        return "Google tells them: this calendar invites through Google."
    return _why_unreachable(standing.recipient, notice.contact)


def _is_said_beside_google(notice: Notice) -> bool:
    """Google sends invitation, move and cancellation; that we took a customer's booking, or confirmed it, we say."""
    by_customer = notice.is_own_doing or notice.appointment.origin == Origin.CUSTOMER
    return notice.kind == Kind.CONFIRMED or (notice.kind == Kind.BOOKED and by_customer)


def _why_unreachable(address: str, contact: Contact) -> str:
    if not address:
        return "The contact has no e-mail address."
    marked = next((each for each in contact.emails.all() if each.address == address), None)
    if marked is not None and unreachable(marked):
        return unreachable(marked)
    try:
        validate_email(address)
    except ValidationError:
        return "What is kept as their e-mail address is none."
    return ""
