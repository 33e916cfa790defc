"""What dragging in the agenda does, and taking it back. Answered in JSON for the script of the grid.

Each answer has an `outcome`: "moved" (with how to undo it), "taken" (409, with what stands there) or "refused" (409);
and `words` for the person.
"""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from calendars import blocking, booking, desk
from calendars.agenda import Entry
from calendars.appointment_forms import LONGEST_MINUTES, BackForm, DragForm, OverlapForm
from calendars.google_next import TO_ACCOUNT, when_followed
from calendars.models import BlockedTime, PushTarget
from calendars.views.agenda import current_zone
from calendars.views.appointments import visible_or_404, what_stays
from contacts.models import Appointment, AppointmentChange, User
from contacts.viewer import viewer_of

Times = tuple[datetime.datetime, datetime.datetime]


@require_POST
def drag(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Moves an appointment to where it was dropped, unless that time is taken and nobody said why they may overlap."""
    appointment = visible_or_404(request, pk)
    return dragged(request, [appointment], version=str(appointment.revision))


@require_POST
def drag_session(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The same for a session of a class, named by one of its seats: all of them move, or none."""
    seats = booking.session_of(visible_or_404(request, pk))
    return dragged(request, seats, version=booking.version_of(seats), as_one=True)


def dragged(
    request: HttpRequest, rows: Sequence[Appointment], *, version: str, as_one: bool = False
) -> HttpResponse:
    """`version`: what `rows` are now. `as_one`: they are the seats of a session."""
    first = rows[0]
    move_page = reverse("calendars:reschedule", args=[first.pk])
    form = DragForm(request.POST)
    if not form.is_valid():
        return refused(words_of(form), move_page)
    is_as_seen = form.cleaned_data["version"] == version
    why_not = booking.why_not_moved(first) if is_as_seen else booking.changed_meanwhile(first)
    if why_not:
        return refused(why_not)
    if form.is_too_long(first.starts_at):
        return refused(f"An appointment lasts {LONGEST_MINUTES // 60} hours at most.", move_page)
    times = form.times(first.starts_at, first.ends_at)
    taken = taken_by_others(request, rows, times)
    if taken and not form.may_overlap(taken):
        return is_taken(taken, words_of(form))
    why, viewer = form.words_for_history(taken), viewer_of(request)
    try:
        moved_rows = (
            booking.move_session(
                first, starts_at=times[0], ends_at=times[1], by=viewer, why=why, version=version
            )
            if as_one
            else [_moved_alone(first, times, viewer, why)]
        )
    except booking.NotPossible as refusal:
        return refused(str(refusal), move_page)
    row = moved_rows[0]
    move = row.changes.latest("pk")
    undo = {"url": reverse("calendars:undo_move", args=[row.pk]), "values": {"move": move.pk}}
    whole = f"The whole class, {len(rows)} appointments. " if as_one and len(rows) > 1 else ""
    follows = f"{what_follows(moved_rows)} {what_is_told(moved_rows)}".strip()
    return moved(f"Moved to {when(*times)}. {whole}{follows}", undo)


def _moved_alone(row: Appointment, times: Times, viewer: User, why: str) -> Appointment:
    starts_at, ends_at = times
    return booking.reschedule(
        row, starts_at=starts_at, ends_at=ends_at, by=viewer, why=why, known_revision=row.revision
    )


@require_POST
def undo_move(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Takes the viewer's own latest move back. Its old time may be taken by now; then it is asked as for a drag."""
    appointment = visible_or_404(request, pk)
    viewer = viewer_of(request)
    answer = _undone(request, appointment, viewer)
    if request.get_preferred_type(["text/html", "application/json"]) != "text/html":
        return JsonResponse(answer, status=200 if answer["outcome"] == "moved" else 409)
    if answer["outcome"] == "moved":
        messages.success(request, answer["words"])
        return redirect(appointment)
    messages.error(request, answer["words"])
    return redirect("calendars:reschedule", pk) if answer["outcome"] == "taken" else redirect(appointment)


def _undone(request: HttpRequest, appointment: Appointment, viewer: User) -> dict[str, Any]:
    form = OverlapForm(request.POST)
    move = _move_of(appointment, request.POST.get("move", ""))
    times = booking.old_times(move) if move else None
    if move is None or times is None or not form.is_valid():
        return {"outcome": "refused", "words": "There is no such move to undo."}
    why_not = booking.why_not_undone(move, appointment, viewer)
    if why_not:
        return {"outcome": "refused", "words": why_not}
    together = booking.session_of(appointment) if move.together else [appointment]
    taken = taken_by_others(request, together, times)
    if taken and not form.may_overlap(taken):
        return _taken(taken, words_of(form) or f"Its old time, {when(*times)}, is taken by now.")
    try:
        row = booking.undo_move(
            appointment, move, by=viewer, overlap=form.cleaned_data["overlap"] if taken else ""
        )
    except booking.NotPossible as refusal:
        return {"outcome": "refused", "words": str(refusal)}
    return {"outcome": "moved", "words": f"Moved back to {when(row.starts_at, row.ends_at)}."}


def _move_of(appointment: Appointment, text: str) -> AppointmentChange | None:
    if not text.isdecimal() or len(text) > 18:
        return None
    changes = appointment.changes.select_related("by", "undone_by")
    return changes.filter(pk=int(text)).first()


@require_POST
def drag_block(request: HttpRequest, pk: int) -> HttpResponse:
    """Moves time that the viewer blocked; it may overlap with anything. Others' are not found."""
    row = get_object_or_404(BlockedTime, pk=pk, user=viewer_of(request))
    form = DragForm(request.POST)
    page = reverse("calendars:blocked_time", args=[pk])
    if not form.is_valid():
        return refused(words_of(form), page)
    old = row.starts_at, row.ends_at
    try:
        found = blocking.move(row, times=form.times(*old), version=form.cleaned_data["version"])
    except booking.NotPossible as refusal:
        return refused(str(refusal), page)
    undo = {
        "url": reverse("calendars:undo_block", args=[pk]),
        "values": {
            "starts_at": old[0].isoformat(),
            "ends_at": old[1].isoformat(),
            "version": blocking.version_of(found),
        },
    }
    words = f"Blocked time moved to {when(found.starts_at, found.ends_at)}. {what_stays(found)}"
    return moved(words, undo)


@require_POST
def undo_block(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts time that the viewer blocked back to the moments at which it was."""
    row = get_object_or_404(BlockedTime, pk=pk, user=viewer_of(request))
    form = BackForm(request.POST)
    if not form.is_valid():
        return refused("There is no such move to undo.")
    old = form.cleaned_data["starts_at"], form.cleaned_data["ends_at"]
    try:
        found = blocking.move(row, times=old, version=form.cleaned_data["version"])
    except booking.NotPossible as refusal:
        return refused(str(refusal))
    return moved(f"Moved back to {when(found.starts_at, found.ends_at)}.")


def taken_by_others(request: HttpRequest, rows: Sequence[Appointment], times: Times) -> list[Entry]:
    """What takes the time of the hosts of `rows` then, as the viewer may see it."""
    hosts = User.objects.filter(hosted__appointment__in=rows).distinct()
    return desk.conflicts(hosts, *times, viewer=viewer_of(request), zone=current_zone(), but=rows)


def moved(words: str, undo: dict[str, Any] | None = None) -> JsonResponse:
    return JsonResponse({"outcome": "moved", "words": words.strip(), "undo": undo})


def refused(words: str, page: str = "") -> JsonResponse:
    """`page`: where the same can be done with more to choose from."""
    return JsonResponse({"outcome": "refused", "words": words, "page": page}, status=409)


def is_taken(taken: Sequence[Entry], words: str) -> JsonResponse:
    return JsonResponse(_taken(taken, words), status=409)


def _taken(taken: Sequence[Entry], words: str) -> dict[str, Any]:
    lines = [{"title": entry.title, "url": entry.url, "when": _when_entry(entry)} for entry in taken]
    known = " ".join(entry.key for entry in taken)
    return {"outcome": "taken", "words": words, "taken": lines, "anyway": known}


def _when_entry(entry: Entry) -> str:
    return "all day" if entry.is_all_day else when(entry.starts_at, entry.ends_at)


def when(starts_at: datetime.datetime, ends_at: datetime.datetime) -> str:
    """ "Tue 12 May, 10:00 to 11:00" on the viewer's clocks."""
    start, end = timezone.localtime(starts_at), timezone.localtime(ends_at)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%a} {end.day} {end:%b, %H:%M}"
    return f"{start:%a} {start.day} {start:%b, %H:%M} to {until}"


def what_follows(rows: Sequence[Appointment]) -> str:
    """What happens at Google next."""
    seconds = int(settings.NOTICE_GRACE.total_seconds())
    behind = PushTarget.objects.behind().filter(appointment__in=rows).select_related(*TO_ACCOUNT)
    is_held = seconds and rows[0].calendar.invites_through_google
    soon = f"Google Calendar follows in {f'{seconds} seconds' if is_held else 'a moment'}."
    return when_followed(behind, soon)


def what_is_told(rows: Sequence[Appointment]) -> str:
    """Who hears of the move, in the words of the app that tells them, and how long an undo makes it nobody's news."""
    seconds = int(settings.NOTICE_GRACE.total_seconds())
    context = {"appointment": rows[0], "seats": rows, "seconds": seconds}
    return render_to_string("appointments/_told_of_move.txt", context).strip()


def words_of(form: forms.Form) -> str:
    """Every error of `form` in one line."""
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
