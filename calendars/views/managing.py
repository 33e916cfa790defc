"""The page of one's own appointment, behind the signed link of every confirmation: see it, move it, cancel it."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from calendars import booking, customers, entries, ics, links, offering, picking
from calendars.intervals import Span
from calendars.views.booking_page import (
    Look,
    has_tried_too_often,
    public,
    remembering_zone,
    too_often_page,
    zone_of,
)
from contacts.models import Appointment, AppointmentGuest, Contact
from contacts.time_zones import zone_or_none


@dataclass(frozen=True, slots=True)
class Held:
    """What a link opens."""

    appointment: Appointment
    guest: AppointmentGuest

    @property
    def contact(self) -> Contact:
        return self.guest.contact


def opened(token: str) -> Held | None:
    """The appointment of `token`, as long as its holder is a guest of it."""
    link = links.read(token)
    if link is None:
        return None
    appointment = (
        Appointment.objects.filter(pk=link.appointment_id)
        .select_related("calendar", "contact", "owner")
        .prefetch_related("hosts__user", "guests__contact")
        .first()
    )
    if appointment is None:
        return None
    guest = next((each for each in appointment.guests.all() if each.pk == link.guest_id), None)
    return Held(appointment, guest) if guest else None


@public
@require_safe
def manage(request: HttpRequest, token: str) -> HttpResponse:
    held = opened(token)
    if held is None:
        return closed_page(request, token)
    return manage_page(request, token, held)


def closed_page(request: HttpRequest, token: str) -> HttpResponse:
    """For a link that opens nothing: one of ours whose holder was taken off, or no link at all."""
    link = links.read(token)
    was_theirs = link is not None and Appointment.objects.filter(pk=link.appointment_id).exists()
    if was_theirs:
        return render(request, "booking/left.html", status=410)
    return render(request, "booking/unknown.html", status=404)


def manage_page(request: HttpRequest, token: str, held: Held, **more: Any) -> HttpResponse:
    appointment, now = held.appointment, timezone.now()
    calendar = appointment.calendar
    zone = zone_of(request, calendar, held.guest.time_zone)
    why_no_move = customers.why_no_move_now(appointment, held.contact, now)
    why_no_cancel = customers.why_no_cancel(appointment, held.contact, now)
    context = {
        "appointment": appointment,
        "calendar": calendar,
        "token": token,
        "zone": zone.key,
        # What they typed themselves.
        "writes_to": held.guest.address if held.guest.time_zone else "",
        "is_companion": customers.is_companion(appointment, held.contact),
        "hosts": entries.hosts_of(appointment),
        "place": entries.place_of(appointment),
        "starts_at": appointment.starts_at.astimezone(zone),
        "ends_at": appointment.ends_at.astimezone(zone),
        "news": links.read_news(request.GET.get("news", ""), appointment),
        "awaits_us": entries.awaits_us(appointment),
        "may_confirm": not customers.why_no_confirm(appointment, held.contact, now),
        "google_url": ics.google_add_url(
            settings.ADD_TO_GOOGLE_URL, entries.entry_of(appointment, held.contact, now=now)
        ),
        "why_no_move": why_no_move,
        "why_no_cancel": why_no_cancel,
        "until": (appointment.starts_at - calendar.change_deadline).astimezone(zone),
    }
    return render(request, "booking/manage.html", context | more)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST cancels; of who came along, takes only them off."""
    held = opened(token)
    if held is None:
        return closed_page(request, token)
    if request.method != "POST":
        return manage_page(request, token, held, asks_to_cancel=True)
    if has_tried_too_often(request):
        return too_often_page(request)
    try:
        customers.cancel(held.appointment, held.contact, now=timezone.now())
    except booking.NotPossible as refusal:
        return manage_page(request, token, held, refusal=str(refusal))
    return redirect("calendars:manage", token)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, for scanners of mail open every link; POST confirms the time that was seen. `start`: that time."""
    held = opened(token)
    if held is None:
        return closed_page(request, token)
    data = request.POST if request.method == "POST" else request.GET
    has_moved = data.get("start", links.stamp_of(held.appointment)) != links.stamp_of(held.appointment)
    why = customers.why_no_confirm(held.appointment, held.contact, timezone.now())
    if why:
        is_done = held.appointment.status == Appointment.Status.CONFIRMED and not has_moved
        return manage_page(request, token, held, **{"good_news" if is_done else "refusal": why})
    asks = {"asks_to_confirm": True, "stamp": links.stamp_of(held.appointment), "has_moved": has_moved}
    if request.method != "POST" or has_moved:
        return manage_page(request, token, held, **asks)
    if has_tried_too_often(request):
        return too_often_page(request)
    try:
        customers.confirm(held.appointment, held.contact, now=timezone.now())
    except booking.NotPossible:
        # Changed in this very moment: the page says how it is now.
        return redirect("calendars:manage_confirm", token)
    return redirect(links.news_path(held.appointment, held.contact, "confirmed"))


@public
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the times it can move to, and asks once one is chosen; POST moves it."""
    held = opened(token)
    if held is None:
        return closed_page(request, token)
    appointment, now = held.appointment, timezone.now()
    why = customers.why_no_move_now(appointment, held.contact, now)
    if why:
        return manage_page(request, token, held, refusal=why)
    zone, refusal = zone_of(request, appointment.calendar, held.guest.time_zone), ""
    chosen = picking.read_stamp(request.POST.get("start") or request.GET.get("start", ""))
    if request.method == "POST" and chosen is not None:
        if has_tried_too_often(request):
            return too_often_page(request)
        try:
            # As it was shown, so it is told from now on.
            shown_in = zone.key if zone_or_none(request.GET.get("zone", "")) else ""
            customers.move(appointment, held.contact, chosen, now=now, time_zone=shown_in)
        except booking.NotPossible as error:
            refusal, chosen = str(error), None
        else:
            return redirect(links.news_path(appointment, held.contact, "moved"))

    slot = booking.slots_to_move(appointment, chosen, now=now).slot_at(chosen) if chosen else None
    if chosen is not None and slot is None:
        refusal, chosen = "That time is not on offer, or no longer. Choose another one.", None

    def read(within: Span) -> offering.Offer:
        first, last = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in within)
        return booking.slots_to_move(appointment, first, now=now, until=last)

    # Until a day or a month is asked for, the month that it is in.
    its_month = f"{appointment.starts_at.astimezone(zone):%Y-%m}"
    day = f"{chosen.astimezone(zone):%Y-%m-%d}" if chosen else request.GET.get("day", its_month)
    look = Look.asked_for(request, appointment.calendar, zone, day)
    page = {
        "calendar": appointment.calendar,
        "appointment": appointment,
        "token": token,
        "starts_at": appointment.starts_at.astimezone(zone),
        "refusal": refusal,
        "chosen": chosen.astimezone(zone) if chosen else None,
        "stamp": f"{chosen:{picking.STAMP}}" if chosen else "",
        "leaver": booking.who_hands_over(appointment, slot) if slot else None,
        **look.found(read),
    }
    return remembering_zone(request, render(request, "booking/move.html", page), zone)


@public
@require_safe
def calendar_file(request: HttpRequest, token: str) -> HttpResponse:
    held = opened(token)
    if held is None:
        return closed_page(request, token)
    now = timezone.now()
    content = ics.calendar_file(
        entries.entry_of(held.appointment, held.contact, now=now), ics.Method.PUBLISH, stamp=now
    )
    return HttpResponse(
        content,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="appointment.ics"'},
    )
