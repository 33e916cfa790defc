"""The booking page of a calendar: a month, a day, a form. Nobody signs in; it needs no JavaScript, and fits a frame."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from calendars import booking as verbs
from calendars import customers, links, offering, picking
from calendars.booking_forms import VisitorForm
from calendars.intervals import Span
from calendars.models import Calendar
from contacts.time_zones import zone_or_none

View = Callable[..., HttpResponse]
ZONE_COOKIE = "tandem_zone"
NEXT_SHOWN = 6
TRIES_LAST = 600


def public(view: View) -> View:
    """For everybody, in frames of the sites that may. No session stands behind it, so there is no request to forge:
    a form's own signed time says that we showed it. What is not there is said on a page that fits a frame as well."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            response = render(request, "booking/missing.html", status=404)
        if settings.BOOKING_FRAME_ORIGINS:
            frames = {"frame-ancestors": settings.BOOKING_FRAME_ORIGINS}
            response._csp_replace = frames  # type: ignore[attr-defined]  # django-csp reads this attribute
            response.xframe_options_exempt = True  # and Django this one
        patch_cache_control(response, no_store=True)
        return response

    return login_not_required(csrf_exempt(shown))


@public
def missing(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Any other address among booking pages."""
    raise Http404


@public
@require_safe
def booking(request: HttpRequest, slug: str) -> HttpResponse:
    """Days and times in the visitor's zone."""
    calendar = get_object_or_404(Calendar, slug=slug)
    if not calendar.is_active:
        return render(request, "booking/closed.html", {"calendar": calendar})
    look = Look.asked_for(request, calendar, zone_of(request, calendar), request.GET.get("day", ""))

    def read(within: Span) -> offering.Offer:
        return offering.read(calendar, within=within, now=look.now)

    def draw() -> str:
        return render_to_string("booking/_picker.html", {"calendar": calendar, **look.found(read)})

    # To see a time is no promise: it is read again, under locks, when it is pressed. So those who look at the same
    # moment may be shown the same.
    picker = cache.get_or_set(look.key, draw, settings.BOOKING_LOOK_SECONDS)
    return remembering_zone(
        request,
        render(request, "booking/booking.html", {"calendar": calendar, "drawn_picker": picker}),
        look.zone,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """The month that a visitor asked for, and the day in it, None for the first that has a time. `is_asked` False: they
    named neither, and see the first month in which something is free."""

    calendar: Calendar
    zone: ZoneInfo
    now: datetime.datetime
    month: datetime.date
    last: datetime.date
    day: datetime.date | None
    is_asked: bool

    @classmethod
    def asked_for(cls, request: HttpRequest, calendar: Calendar, zone: ZoneInfo, day: str) -> "Look":
        now = timezone.now()
        today = now.astimezone(zone).date()
        last = today + datetime.timedelta(days=calendar.horizon_days + 1)
        month = picking.month_of(request.GET.get("month", day[:7]), today, last)
        is_asked = "month" in request.GET or "day" in request.GET
        return cls(calendar, zone, now, month, last, picking.day_of(day, month), is_asked)

    @property
    def key(self) -> str:
        return f"booking-look-{self.calendar.pk}-{self.month}-{self.day}-{self.is_asked}-{self.zone.key}"

    def found(self, read: Callable[[Span], offering.Offer]) -> dict[str, Any]:
        """What its page shows, and where the next free time is when the month has none."""
        span, today = picking.span_of(self.month, self.zone), self.now.astimezone(self.zone).date()
        offer = read(span)
        slots = offer.slots()
        page = picking.picker(
            slots, month=self.month, chosen=self.day, today=today, zone=self.zone, last=self.last
        )
        soonest = (
            []
            if slots
            else picking.soonest(
                offer, after=span[1], now=self.now, horizon_days=self.calendar.horizon_days, count=1
            )
        )
        if soonest and not self.is_asked:
            first = picking.time_of(soonest[0], self.zone).starts_at.date().replace(day=1)
            return replace(self, month=first, is_asked=True).found(read)
        return {
            "picker": page,
            "zone": self.zone.key,
            "soonest": picking.time_of(soonest[0], self.zone) if soonest else None,
        }


def remembering_zone(request: HttpRequest, response: HttpResponse, zone: ZoneInfo) -> HttpResponse:
    if zone_or_none(request.GET.get("zone", "")):
        response.set_cookie(ZONE_COOKIE, zone.key, max_age=365 * 86400, samesite="Lax")
    return response


@public
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest, slug: str, stamp: str) -> HttpResponse:
    """Who comes. What is typed stays on the page when the time was taken meanwhile."""
    calendar, starts_at = get_object_or_404(Calendar, slug=slug), picking.read_stamp(stamp)
    if not calendar.is_active or starts_at is None:
        return redirect(f"{reverse('calendars:booking', args=[slug])}?{request.GET.urlencode()}".rstrip("?"))
    form = VisitorForm(request.POST or None, calendar=calendar)
    if request.method != "POST":
        return details_page(request, form, calendar, starts_at)
    if has_tried_too_often(request):
        return too_often_page(request)
    if not form.is_valid():
        return details_page(request, form, calendar, starts_at)
    visit = customers.Visit(
        calendar=calendar,
        newcomer=form.newcomer,
        starts_at=starts_at,
        time_zone=zone_of(request, calendar).key,
        notes=form.cleaned_data["notes"],
        others=form.cleaned_data.get("others", []),
        consent=calendar.consent if form.cleaned_data.get("consent") else "",
        form_key=form.key,
    )
    try:
        made, contact = customers.book_visit(visit, now=timezone.now())
    except customers.FormIsUsed as refusal:
        form.renew()
        made_path = links.manage_path(refusal.made, refusal.booker) if refusal.booker else ""
        return details_page(
            request, form, calendar, starts_at, refusal=str(refusal), made_path=made_path, status=409
        )
    except verbs.NotPossible as refusal:
        is_taken = isinstance(refusal, verbs.Taken)
        return details_page(
            request, form, calendar, starts_at, refusal=str(refusal), is_taken=is_taken, status=409
        )
    return redirect(links.news_path(made, contact, "booked"))


def details_page(
    request: HttpRequest,
    form: VisitorForm,
    calendar: Calendar,
    starts_at: datetime.datetime,
    *,
    refusal: str = "",
    is_taken: bool = False,
    made_path: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form for one slot; with the next free times where that one is not on offer (any more)."""
    zone, now = zone_of(request, calendar), timezone.now()
    start = int(starts_at.timestamp())

    offer = offering.read(calendar, within=(start, start + 1), now=now)
    context: dict[str, Any] = {"form": form, "calendar": calendar, "zone": zone.key, "refusal": refusal}
    context["made_path"] = made_path
    if is_taken or offer.slot_at(starts_at) is None:
        why = picking.why_not_offered(
            starts_at,
            now,
            zone=zone_or_none(calendar.time_zone) or ZoneInfo("UTC"),
            horizon_days=calendar.horizon_days,
            notice=calendar.minimum_notice,
        )
        found = picking.soonest_around(
            offer, start, now=now, horizon_days=calendar.horizon_days, count=NEXT_SHOWN
        )
        context |= {
            "refusal": why or refusal or "That time is not on offer, or no longer.",
            "next_times": [picking.time_of(each, zone) for each in found],
            "is_taken": True,
        }
        status = 409
    local = starts_at.astimezone(zone)
    ends_at = (starts_at + calendar.duration).astimezone(zone)
    context |= {"starts_at": local, "ends_at": ends_at, "day": f"{local:%Y-%m-%d}"}
    return render(request, "booking/details.html", context, status=status)


def zone_of(request: HttpRequest, calendar: Calendar, booked_in: str = "") -> ZoneInfo:
    """The visitor's: the one in the address, which every link carries; else that of their booking; else what a cookie
    remembers, where there are cookies; else the calendar's."""
    remembered = request.COOKIES.get(ZONE_COOKIE, "")
    named = (request.GET.get("zone", ""), booked_in, remembered, calendar.time_zone)
    return next((zone for name in named if (zone := zone_or_none(name))), ZoneInfo("UTC"))


def has_tried_too_often(request: HttpRequest) -> bool:
    """Counts this try; whether it is one too many of its network address."""
    key = f"booking-tries-{get_adapter().get_client_ip(request)}"
    cache.add(key, 0, TRIES_LAST)
    try:
        return bool(cache.incr(key) > settings.BOOKING_TRIES)
    except ValueError:  # it ran out between the two
        return False


def too_often_page(request: HttpRequest) -> HttpResponse:
    response = render(request, "booking/too_often.html", status=429)
    response["Retry-After"] = str(TRIES_LAST)
    return response
