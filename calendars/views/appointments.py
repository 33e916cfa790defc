"""Booking, moving and changing appointments, and blocking time. Nothing here waits for Google."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from calendars import booking, desk
from calendars.agenda import Entry
from calendars.appointment_forms import (
    LONGEST_MINUTES,
    BlockForm,
    BookForm,
    MoveForm,
    SeenForm,
    StatusForm,
    typed_in,
)
from calendars.at_google import at_google
from calendars.google_next import google_words
from calendars.hosting import hosts_for
from calendars.models import BlockedTime, Calendar
from calendars.sync import trying_again
from calendars.tasks import work_calendar
from calendars.views.agenda import current_zone, read_moment
from calendars.wall_time import bounded, on_the_clock
from contacts.models import Appointment, Contact, User
from contacts.privacy import hides, with_privacy
from contacts.searching import matching
from contacts.viewer import viewer_of

MOST_FOUND = 8


def book(request: HttpRequest) -> HttpResponse:
    """The form; asked by HTMX, only the contacts that match what was typed."""
    viewer = viewer_of(request)
    if request.method == "GET" and "who" in request.GET:
        found = contacts_like(request.GET["who"])
        return render(request, "appointments/_contact_choices.html", {"found": found})
    # Searching works without a script: the form comes back as it was, with what was found.
    if request.method == "POST" and is_looking(request.POST):
        return book_page(request, BookForm(initial=request.POST.dict()))
    if request.method == "GET":
        return book_page(request, BookForm(initial=first_values(request, viewer)))
    form = BookForm(request.POST)
    if not form.is_valid():
        return book_page(request, form)
    wish = form.wish
    hosts = hosts_for(wish.calendar, wish.owner, wish.starts_at, wish.ends_at)
    taken = desk.conflicts(
        hosts, wish.starts_at, wish.ends_at, viewer=viewer, zone=current_zone(), calendar=wish.calendar
    )
    if taken and not form.may_overlap(taken):
        return book_page(request, form, taken)
    try:
        made = desk.book_wish(wish, by=viewer, why=form.words_for_history(taken))
    except booking.NotPossible as refusal:
        form.add_error(None, str(refusal))
        return book_page(request, form)
    messages.success(request, f"Booked. {google_words(made)}".strip())
    return redirect(made)


@require_POST
def told_of_booking(request: HttpRequest) -> HttpResponse:
    """Who would be told of what is in the fields, as soon as they say enough. Nothing is kept."""
    form, part = BookForm(request.POST), "appointments/_told_of_booking.html"
    if not form.is_valid():
        return render(request, part)
    try:
        with desk.tried(form.wish, by=viewer_of(request)) as made:
            return render(request, part, {"appointment": made})
    except booking.NotPossible:
        return render(request, part)


def is_looking(data: QueryDict) -> bool:
    """Whether *Find* was pressed, or Enter in the search box while nobody is chosen or typed yet."""
    named = any(data.get(name) for name in ("contact", "first_name", "last_name", "address", "phone"))
    return "find" in data or bool(data.get("who") and not named)


def first_values(request: HttpRequest, viewer: User) -> dict[str, Any]:
    """First values: from the page's address, else the viewer, a calendar of theirs, the next full hour."""
    now = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    usual = Calendar.objects.filter(memberships__user=viewer, memberships__is_active=True, is_active=True)
    start = request.GET.get("start", "")
    return {
        "contact": request.GET.get("contact", ""),
        "starts_at": start or f"{now + datetime.timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "minutes": minutes_between(start, request.GET.get("end", "")),
        "calendar": request.GET.get("calendar") or usual.values_list("pk", flat=True).first(),
        "owner": request.GET.get("owner") or viewer.pk,
    }


def minutes_between(start: str, end: str) -> int | None:
    """The length of what was marked in the agenda, on the viewer's clocks; None where it cannot be told."""
    starts_at, ends_at = (read_moment(text, current_zone()) for text in (start, end))
    if starts_at is None or ends_at is None:
        return None
    # Python subtracts the clocks of one zone, not the moments.
    minutes = int(ends_at.timestamp() - starts_at.timestamp()) // 60
    return minutes if 0 < minutes <= LONGEST_MINUTES else None


def book_page(request: HttpRequest, form: BookForm, taken: list[Entry] | None = None) -> HttpResponse:
    chosen = str(form["contact"].value() or "")
    found = contacts_like(request.POST.get("who", ""))
    if chosen.isdecimal() and not any(str(person.pk) == chosen for person in found):
        found = [*Contact.objects.filter(pk=chosen).prefetch_related("emails", "phones"), *found]
    return render(
        request, "appointments/book.html", {"form": form, "found": found, "chosen": chosen, "taken": taken}
    )


def contacts_like(text: str) -> list[Contact]:
    if not text.strip():
        return []
    found = matching(Contact.objects.living(), text).prefetch_related("emails", "phones")
    return list(found[:MOST_FOUND])


def reschedule(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    viewer, zone = viewer_of(request), current_zone()
    appointment = visible_or_404(request, pk)
    google = at_google(appointment, viewer)
    initial = MoveForm.initial_for(appointment, zone) | (
        {"who": "all"} if request.GET.get("who") == "all" else {}
    )
    form = MoveForm(request.POST or None, initial=initial)
    seats = booking.session_of(appointment)
    page = {"appointment": appointment, "google": google, "form": form, "seats": seats}
    page["session"] = booking.version_of(seats)
    if google.lock or appointment.is_void:
        page["typed"] = typed_in(form) if form.is_bound else []
        return render(
            request, "appointments/move_refused.html", page, status=409 if request.method == "POST" else 200
        )
    if request.method == "POST" and form.is_valid():
        is_same_class = not form.moves_all or form.cleaned_data["session"] == page["session"]
        if form.known_revision != appointment.revision or not is_same_class:
            form.add_error(
                None, f"{booking.changed_meanwhile(appointment)} Look again, or press Move once more."
            )
            return render(request, "appointments/move.html", page)
        hosts = User.objects.filter(hosted__appointment=appointment)
        moving = seats if form.moves_all else [appointment]
        taken = desk.conflicts(hosts, form.starts, form.ends, viewer=viewer, zone=zone, but=moving)
        if not taken or form.may_overlap(taken):
            return moved(request, appointment, form, why=form.words_for_history(taken))
        page["taken"] = taken
    return render(request, "appointments/move.html", page)


def moved(request: HttpRequest, appointment: Appointment, form: MoveForm, *, why: str) -> HttpResponse:
    """Carries the move out and says what became of it."""
    by, version = viewer_of(request), form.cleaned_data["session"]
    try:
        if form.moves_all:
            rows = booking.move_session(
                appointment, starts_at=form.starts, ends_at=form.ends, by=by, why=why, version=version
            )
        else:
            rows = [
                booking.reschedule(
                    appointment,
                    starts_at=form.starts,
                    ends_at=form.ends,
                    by=by,
                    why=why,
                    known_revision=form.known_revision,
                )
            ]
    except booking.NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        whole = f" The whole class, {len(rows)} appointments." if form.moves_all else ""
        google = next(filter(None, map(google_words, rows)), "")
        messages.success(request, f"Moved.{whole} {google}".strip())
    return redirect(appointment)


@require_POST
def status(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Confirms, closes, cancels or brings back; `why` goes into the history. Its time may be taken by now: then staff
    are asked as for a move."""
    appointment = visible_or_404(request, pk)
    form = StatusForm(request.POST)
    if not form.is_valid() and set(form.errors) != {"overlap"}:
        messages.error(request, "There is no such status.")
        return redirect(appointment)
    wanted = form.cleaned_data["status"]
    comes_back = appointment.is_void and wanted not in Appointment.VOID_STATUSES
    is_as_seen = form.known_revision == appointment.revision
    taken = standing_there(request, appointment) if comes_back and is_as_seen else []
    if form.errors or (taken and not form.may_overlap(taken)):
        page = {"appointment": appointment, "form": form, "taken": taken}
        return render(request, "appointments/restore.html", page)
    try:
        with booking.overlap_is_taken():
            changed = booking.set_status(
                appointment,
                wanted,
                by=viewer_of(request),
                why=form.words_for_history(taken),
                known_revision=form.known_revision,
                claims=not taken,
            )
    except booking.NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        label = changed.get_status_display()
        # Of a whole class it is said whose.
        said = f"{appointment.contact.name}: {label.lower()}" if "session" in request.POST else label
        follows = f"{google_words(changed)} {until_when_taken_back([changed])}".strip()
        messages.success(request, f"{said}. {follows}".strip())
    return after_marking(request, appointment)


def after_marking(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    """Back to where the button was: the page of its class's session, or its own."""
    in_session = "session" in request.POST
    return redirect("calendars:session", appointment.pk) if in_session else redirect(appointment)


def until_when_taken_back(marked: Sequence[Appointment]) -> str:
    """What a mark that was just set sends unless it is taken back in time, in the words of the app that sends it; ""
    where nothing waits for that."""
    seconds = int(settings.NOTICE_GRACE.total_seconds())
    context = {"seats": marked, "seconds": seconds}
    return render_to_string("appointments/_held_after_mark.txt", context).strip()


@require_POST
def unmark(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Takes *showed* or *no-show* back."""
    appointment = visible_or_404(request, pk)
    form = SeenForm(request.POST)
    seen = form.known_revision if form.is_valid() else 0
    try:
        changed = booking.take_mark_back(appointment, by=viewer_of(request), known_revision=seen)
    except booking.NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Taken back. It stands as {changed.get_status_display().lower()} again.")
    return after_marking(request, appointment)


def standing_there(request: HttpRequest, appointment: Appointment) -> list[Entry]:
    """What takes the time at which `appointment` was, as the viewer may see it."""
    hosts = User.objects.filter(hosted__appointment=appointment)
    times = appointment.starts_at, appointment.ends_at
    return desk.conflicts(hosts, *times, viewer=viewer_of(request), zone=current_zone(), but=[appointment])


@require_POST
def push_again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Tries at once what Google refused of the appointment."""
    appointment = visible_or_404(request, pk)
    try:
        google_calendars = trying_again.push_again(appointment, now=timezone.now())
    except trying_again.StillWrong as error:
        messages.error(request, str(error))
        return redirect(appointment)
    for google_calendar in google_calendars:
        work_calendar.delay(google_calendar)
    messages.success(request, "Trying again now. What Google says to it stands here within a moment.")
    return redirect(appointment)


def visible_or_404(request: HttpRequest, pk: uuid.UUID) -> Appointment:
    """The appointment; a private one is found by its owner and hosts alone."""
    rows = with_privacy(Appointment.objects.select_related("calendar", "contact"), viewer_of(request))
    found = get_object_or_404(rows, pk=pk)
    if hides(found):
        raise Http404
    return found


def block_time(request: HttpRequest) -> HttpResponse:
    """Blocks time of the viewer."""
    start = request.GET.get("start") or f"{timezone.localtime():%Y-%m-%dT%H:00}"
    form = BlockForm(
        request.POST or None, initial={"starts_at": start, "ends_at": request.GET.get("end", "")}
    )
    if request.method == "POST" and form.is_valid():
        row = form.block(viewer_of(request))
        messages.success(request, f"Blocked. {what_stays(row)}".strip())
        return redirect(day_of(row))
    return render(request, "calendars/block_time.html", {"form": form})


def blocked_time(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes or (POST with `remove`) lifts a block of the viewer's own; others' are not found."""
    row = get_object_or_404(BlockedTime, pk=pk, user=viewer_of(request))
    back = day_of(row)
    if request.method == "POST" and "remove" in request.POST:
        row.delete()
        messages.success(request, "The time is free again.")
        return redirect(back)
    zone = current_zone()
    form = BlockForm(
        request.POST or None,
        initial={
            "starts_at": on_the_clock(bounded(row.starts_at), zone),
            "ends_at": on_the_clock(bounded(row.ends_at), zone),
            "title": row.title,
        },
    )
    if request.method == "POST" and form.is_valid():
        changed = form.block(row.user, row=row)
        messages.success(request, f"Saved. {what_stays(changed)}".strip())
        return redirect(day_of(changed))
    return render(request, "calendars/block_time.html", {"form": form, "row": row})


def what_stays(row: BlockedTime) -> str:
    """Which appointments its user has in blocked time: it keeps new ones away, and moves none."""
    there = Appointment.objects.standing().overlapping(row.starts_at, row.ends_at)
    number = there.filter(hosts__user=row.user).distinct().count()
    if not number:
        return ""
    return f"{number} appointment{'s stand' if number != 1 else ' stands'} in that time and stay{'s' * (number == 1)}."


def day_of(row: BlockedTime) -> str:
    return f"{reverse('calendars:agenda')}?date={timezone.localtime(bounded(row.starts_at)).date()}"
