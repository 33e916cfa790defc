"""Settings → Calendars → hours: the week and the dates of one member, or of an unassigned calendar."""

import datetime
from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date

from calendars import meanwhile
from calendars.affected import affected, setting_of, with_hours
from calendars.calendar_settings import forget_dates, save_dates, save_week
from calendars.hours_forms import DateForm, WeekForm
from calendars.meanwhile import DRAWN_FROM
from calendars.models import Calendar, Membership
from calendars.setting_up import NOT_A_MEMBER, NOT_YOUR_HOURS, may_set_hours, may_set_up
from calendars.stored_hours import Owner, hours_of, hours_rows, zone_name
from calendars.views.settings_calendars import before_saving
from calendars.working_hours import USUAL_WEEK, WEEKDAYS, Hours, night_words, spells
from contacts.viewer import viewer_of


def hours(request: HttpRequest, pk: int) -> HttpResponse:
    """The viewer's own hours in a group calendar, or those of an unassigned calendar."""
    viewer = viewer_of(request)
    calendar = get_object_or_404(Calendar, pk=pk)
    own = None if calendar.is_unassigned else _members().filter(calendar=pk, user=viewer).first()
    if calendar.is_unassigned or own is not None:
        return _hours(request, own or calendar)
    if may_set_up(viewer):
        return redirect("calendars:calendar_settings", pk=pk)
    raise PermissionDenied(NOT_A_MEMBER)


def member_hours(request: HttpRequest, pk: int, membership: int) -> HttpResponse:
    """The hours of one member of a group calendar."""
    return _hours(request, get_object_or_404(_members(), pk=membership, calendar=pk))


def _members() -> QuerySet[Membership]:
    rows = Membership.objects.select_related("calendar", "user__calendar_configuration")
    return rows.prefetch_related(*hours_rows())


def _hours(request: HttpRequest, owner: Owner) -> HttpResponse:
    """Shows the hours, or carries out the button that was pressed: the week's, the date's, or one of a list."""
    if not may_set_hours(viewer_of(request), owner):
        raise PermissionDenied(NOT_YOUR_HOURS)
    if request.method != "POST":
        return _answer(request, owner)
    with transaction.atomic():
        # Of two who save at the same moment the second one is told.
        calendar = owner.calendar if isinstance(owner, Membership) else owner
        locked = get_object_or_404(Calendar.objects.select_for_update(no_key=True), pk=calendar.pk)
        return _answer(request, _members().get(pk=owner.pk) if isinstance(owner, Membership) else locked)


def _answer(request: HttpRequest, owner: Owner) -> HttpResponse:
    stored, data = hours_of(owner), request.POST
    today = timezone.now().astimezone(stored.zone).date()
    if request.method != "POST":
        week = USUAL_WEEK if "usual" in request.GET else stored.week
        return _page(request, owner, stored, WeekForm(week), DateForm(today=today))
    if "forget" in data:
        return _forget(request, owner, stored)
    if "date" in data:
        return _save_date(request, owner, stored, DateForm(data, today=today, stored=stored))
    return _save_week(request, owner, stored, WeekForm(stored.week, data), today)


def _save_week(
    request: HttpRequest, owner: Owner, stored: Hours, form: WeekForm, today: datetime.date
) -> HttpResponse:
    data = request.POST
    if _was_drawn_anew(form, data) or not form.is_valid() or "back" in data:
        return _page(request, owner, stored, form, DateForm(today=today))
    days = [WEEKDAYS[int(day)] for day in _changed(data, _week_print(stored))]
    if days:
        stale = meanwhile.words(days, what="the hours")
        return _page(request, owner, stored, form, DateForm(today=today), stale=stale)
    asked = _ask_first(request, owner, stored, replace(stored, week=form.week))
    if asked is not None:
        return asked
    save_week(owner, form.week)
    messages.success(
        request, f"Saved: the hours of {_name(owner)}." if form.week else f"Saved. {_nothing(owner)}"
    )
    return redirect(request.path)


def _was_drawn_anew(form: WeekForm, data: QueryDict) -> bool:
    """Without a script: one more row, or a day copied to others, and nothing is saved yet."""
    for button in ("add", "copy"):
        day = data.get(button, "")
        if day in list("0123456"):
            others = [int(other) for other in data.getlist(f"copy-{day}") if other in list("0123456")]
            form.add_row(int(day)) if button == "add" else form.copy(int(day), others)
            return True
    return False


def _save_date(request: HttpRequest, owner: Owner, stored: Hours, form: DateForm) -> HttpResponse:
    if not form.is_valid() or "back" in request.POST:
        return _page(request, owner, stored, WeekForm(stored.week), form)
    changed = [f"{day:%-d %B %Y}" for day in form.days if str(day) in _changed_dates(request.POST, stored)]
    if changed:
        form.add_error(None, meanwhile.words(changed, what="the date"))
        return _page(request, owner, stored, WeekForm(stored.week), form)
    dates = {**stored.dates, **{day: tuple(form.ranges) for day in form.days}}
    asked = _ask_first(request, owner, stored, replace(stored, dates=dates))
    if asked is not None:
        return asked
    save_dates(owner, form.days, form.ranges)
    night = night_words(stored, form.days[0])
    goes_on = f" {night[0].upper()}{night[1:]}." if night else ""
    what = "the hours of the date" if form.ranges else "the date is closed"
    messages.success(request, f"Saved: {what}.{goes_on}")
    return redirect(request.path)


def _forget(request: HttpRequest, owner: Owner, stored: Hours) -> HttpResponse:
    """Days whose own hours go: the week rules again."""
    days = [day for day in map(parse_date_or_none, request.POST.getlist("forget")[0].split()) if day]
    if _changed_dates(request.POST, stored) & {str(day) for day in days}:
        messages.error(
            request, "It was changed meanwhile, so nothing was removed. Here is how it stands now."
        )
        return redirect(request.path)
    dates = {day: ranges for day, ranges in stored.dates.items() if day not in days}
    asked = _ask_first(request, owner, stored, replace(stored, dates=dates))
    if asked is not None:
        return asked
    forget_dates(owner, days)
    messages.success(request, "Removed. The week rules again.")
    return redirect(request.path)


def parse_date_or_none(text: str) -> datetime.date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _ask_first(request: HttpRequest, owner: Owner, stored: Hours, new: Hours) -> HttpResponse | None:
    """The page that says what `new` means for appointments; None: nothing, or the person has read it."""
    if "anyway" in request.POST:
        return None
    calendar = owner.calendar if isinstance(owner, Membership) else owner
    before = setting_of(calendar)
    after = with_hours(before, owner, new)
    meant = affected(calendar, before, after, viewer=viewer_of(request), now=timezone.now())
    back = request.path if "forget" in request.POST else ""
    return before_saving(request, f"the hours of {_name(owner)}", meant, back=back) if meant else None


def _week_print(stored: Hours) -> str:
    return meanwhile.prints({str(day): stored.week.get(day, ()) for day in range(7)})


def _dates_print(stored: Hours) -> str:
    return meanwhile.prints({str(day): stored.dates[day] for day in sorted(stored.dates)})


def _changed(data: QueryDict, stored: str) -> list[str]:
    """What is stored otherwise than the page showed; who does not say what it showed is not asked."""
    return meanwhile.changed(data.get(DRAWN_FROM, ""), stored) if DRAWN_FROM in data else []


def _changed_dates(data: QueryDict, stored: Hours) -> set[str]:
    """The same of dates, with those that were taken out since."""
    known = {each.partition(":")[0] for each in data.get(DRAWN_FROM, "").split()}
    return {*_changed(data, _dates_print(stored)), *(known - {str(day) for day in stored.dates})}


def _page(
    request: HttpRequest, owner: Owner, stored: Hours, week: WeekForm, date: DateForm, *, stale: str = ""
) -> HttpResponse:
    data = request.POST
    # Asked, or with a row more, the page is still drawn from what the person saw first.
    redrawn = DRAWN_FROM in data and not (stale or date.errors)
    calendar = owner.calendar if isinstance(owner, Membership) else owner
    whose, today = owner.user if isinstance(owner, Membership) else owner.owner, date.today
    page = {
        "calendar": calendar,
        "member": owner.user if isinstance(owner, Membership) else None,
        "whose": _name(owner),
        "is_own": isinstance(owner, Membership) and owner.user_id == viewer_of(request).pk,
        "deactivated": whose if whose and not whose.is_active else None,
        "zone": zone_name(owner, calendar),
        "week": week,
        "date": date,
        "nothing": "" if stored.week else _nothing(owner),
        "is_usual": "usual" in request.GET,
        "spells": spells(stored, since=today),
        "stale": stale,
        "week_drawn_from": data[DRAWN_FROM] if redrawn and "date" not in data else _week_print(stored),
        "dates_drawn_from": data[DRAWN_FROM] if redrawn and "date" in data else _dates_print(stored),
    }
    return render(request, "settings/hours.html", page)


def _name(owner: Owner) -> str:
    return str(owner.user) if isinstance(owner, Membership) else owner.name


def _nothing(owner: Owner) -> str:
    return f"{_name(owner)} has no weekly hours, so no time is offered."
