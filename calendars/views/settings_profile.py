"""Settings → Profile: Calendar Configuration, a person's own and that of each unassigned calendar they own."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from calendars import effects
from calendars.affected import Moved, moved_by_zone
from calendars.configuration_notes import notes
from calendars.configuration_preview import is_decided_elsewhere, listing
from calendars.configuring import save_configuration
from calendars.forms import ConfigurationForm, UnassignedConfigurationForm
from calendars.models import Calendar, CalendarConfiguration
from calendars.relinking import if_relinked, relinking
from calendars.sync.preview import Preview, apply_to_imported, preview
from contacts.models import User
from contacts.time_zones import zone_choices, zone_or_none
from contacts.viewer import viewer_of
from integrations.models import GoogleAccount

View = Callable[..., HttpResponse]
# How many appointments a message names.
NAMED = 3
STAY = "appointments no longer fit and stay as they are"


def _saved_in_turn(view: View) -> View:
    """Of two who save at the same moment the second one sees what the first one stored."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        with transaction.atomic() if request.method == "POST" else nullcontext():
            return view(request, *args, **named)

    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@_saved_in_turn
def profile(request: HttpRequest) -> HttpResponse:
    """The signed-in user's own configuration, and the way to their unassigned calendars."""
    user = viewer_of(request)
    rows = CalendarConfiguration.objects.filter(user=user)
    configuration = (rows.select_for_update() if request.method == "POST" else rows).first()
    form = ConfigurationForm(
        request.POST if request.method == "POST" else None, instance=configuration, user=user
    )
    moved = hours_that_move(form, user)
    if request.method == "POST" and form.is_valid() and form.is_as_drawn():
        save_configuration(form.values(), user=user, by=user)
        messages.success(request, f"Saved. {outcome(form)}")
        if moved:
            messages.warning(request, moved_in_words(moved, ZoneInfo(form.cleaned_data["time_zone"])))
        return redirect("calendars:profile")
    parts = {**page(form, user), **stored_part(configuration), "moved": moved}
    return render(request, "settings/profile.html", {**parts, "unassigned": unassigned_of(user)})


@require_http_methods(["GET", "HEAD", "POST"])
@_saved_in_turn
def unassigned(request: HttpRequest, pk: int) -> HttpResponse:
    """An unassigned calendar's own configuration, for its owner, for admins, and for whoever links it first."""
    user = viewer_of(request)
    calendar = get_object_or_404(unassigned_of(user), pk=pk)
    form = unassigned_form(request, calendar, user, posted=request.method == "POST")
    if request.method == "POST" and form.is_valid() and form.is_as_drawn():
        save_configuration(form.values(), calendar=calendar, by=user)
        messages.success(request, f"Saved. {outcome(form)}")
        return redirect("calendars:unassigned", pk=calendar.pk)
    configuration = form.instance if form.instance.pk else None
    return render(
        request,
        "settings/profile_calendar.html",
        {**page(form, user), "calendar": calendar, **stored_part(configuration)},
    )


@require_GET
def profile_effect(request: HttpRequest) -> HttpResponse:
    """What the values in the form would do. Nothing is saved."""
    user = viewer_of(request)
    configuration = CalendarConfiguration.objects.filter(user=user).first()
    form = ConfigurationForm(request.GET, instance=configuration, user=user)
    parts = {**effect(form, user), "has_hours": True, "moved": hours_that_move(form, user)}
    return render(request, "settings/_effects.html", {**parts, "is_live": True})


@require_GET
def unassigned_effect(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for an unassigned calendar."""
    user = viewer_of(request)
    form = unassigned_form(request, get_object_or_404(unassigned_of(user), pk=pk), user, posted=True)
    return render(request, "settings/_effects.html", {**effect(form, user), "is_live": True})


@require_POST
def profile_apply(request: HttpRequest) -> HttpResponse:
    """Have what is imported already planned again under the stored configuration."""
    configuration = get_object_or_404(CalendarConfiguration, user=viewer_of(request))
    return applied(request, configuration, redirect("calendars:profile"))


@require_POST
def unassigned_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for an unassigned calendar."""
    calendar = get_object_or_404(unassigned_of(viewer_of(request)), pk=pk)
    configuration = get_object_or_404(CalendarConfiguration, calendar=calendar)
    return applied(request, configuration, redirect("calendars:unassigned", pk=calendar.pk))


def applied(request: HttpRequest, configuration: CalendarConfiguration, answer: HttpResponse) -> HttpResponse:
    fires = bool(request.POST.get("fires"))
    count = 0
    if not is_decided_elsewhere(configuration):
        count = apply_to_imported(configuration, timezone.now(), fires=fires)
    bells = "triggers fire" if fires else "nothing fires"
    if count:
        what = (
            "1 upcoming event will become an appointment"
            if count == 1
            else f"{count} upcoming events will become appointments"
        )
        messages.success(request, f"{what}; {bells}.")
    else:
        messages.info(request, "Nothing to apply: what is imported already stands as your settings say.")
    return answer


def unassigned_of(user: User) -> QuerySet[Calendar]:
    """The unassigned calendars `user` may configure: their own and those nobody has linked, all for an admin."""
    everyone = Calendar.objects.filter(kind=Calendar.Kind.UNASSIGNED).select_related(
        "owner", "configuration__linked_calendar__account"
    )
    return everyone if user.is_staff else everyone.filter(Q(owner=user) | Q(owner=None))


def unassigned_form(
    request: HttpRequest, calendar: Calendar, user: User, *, posted: bool
) -> UnassignedConfigurationForm:
    rows = CalendarConfiguration.objects.filter(calendar=calendar)
    configuration = (rows.select_for_update() if request.method == "POST" else rows).first()
    data = (request.POST if request.method == "POST" else request.GET) if posted else None
    return UnassignedConfigurationForm(
        data, instance=configuration, user=calendar.owner or user, calendar=calendar
    )


def page(form: UnassignedConfigurationForm, user: User) -> dict[str, object]:
    accounts = GoogleAccount.objects.filter(user=form.owner).exclude(state=GoogleAccount.State.DISCONNECTED)
    return {
        "form": form,
        "has_account": accounts.exists(),
        "zones": zone_choices(),
        "if_relinked": if_relinked(form, timezone.now()),
        **effect(form, user),
    }


def stored_part(configuration: CalendarConfiguration | None) -> dict[str, object]:
    """What the page says about the configuration as it is stored, whatever the form holds."""
    return {"notes": notes(configuration), "waiting": waiting(configuration)}


def waiting(configuration: CalendarConfiguration | None) -> Preview | None:
    """Imported events that an earlier policy left as blocks, though the stored one would make appointments of them."""
    if configuration is None or is_decided_elsewhere(configuration):
        return None
    return preview(configuration, timezone.now())


def effect(form: UnassignedConfigurationForm, user: User) -> dict[str, object]:
    toggles = form.toggles()
    policy = effects.policy_for(form.option(), toggles)
    return {
        "form": form,
        "cards": effects.cards(toggles),
        "chosen": form.option(),
        "sentence": effects.sentence(policy),
        "effects": effects.effects(policy),
        "colour": form.colour(),
        "relinking": relinking(form, timezone.now()),
        "listing": listing(form, user, timezone.now()),
    }


def outcome(form: UnassignedConfigurationForm) -> str:
    return f"From now on: {_lowered(effects.sentence(effects.policy_for(form.option(), form.toggles())))}"


def _lowered(text: str) -> str:
    # A sentence that begins with a switch's name keeps its capital.
    return text if ":" in text else text[0].lower() + text[1:]


def hours_that_move(form: ConfigurationForm, user: User) -> list[Moved]:
    """The calendars in which the zone in the form would move the hours of `user`."""
    if not form.is_bound:
        return []
    # Reads the fields; a mistake in another one does not hide what the zone does.
    form.is_valid()
    zone = zone_or_none(form.cleaned_data.get("time_zone") or "")
    return moved_by_zone(user, zone, viewer=user, now=timezone.now()) if zone else []


def moved_in_words(moved: list[Moved], zone: ZoneInfo) -> str:
    """What a saved zone did to hours and appointments, told in it."""
    said = f"Your hours moved with your time zone in {', '.join(str(each.calendar) for each in moved)}."
    count = sum(each.affected.count for each in moved)
    if not count:
        return said
    stay = "appointment no longer fits and stays as it is" if count == 1 else STAY
    rows = [row for each in moved for row in each.affected.rows]
    rows.sort(key=lambda row: row.appointment.starts_at)
    first = [
        f"{row.appointment.starts_at.astimezone(zone):%-d %B %H:%M} {row.name or 'Busy'}"
        for row in rows[:NAMED]
    ]
    more = ["and more"] * (count > NAMED)
    return f"{said} {count} upcoming {stay}: {', '.join([*first, *more])}."
