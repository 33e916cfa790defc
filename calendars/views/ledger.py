"""Every event of Google's, and what a person says about it: a decision, another try, or letting a braked pull go on."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from calendars.agenda import event_title
from calendars.ledger import LedgerFilter
from calendars.models import GoogleEvent, SyncRun
from calendars.sync import brake
from calendars.sync.decide import (
    NotPossible,
    keep_private,
    let_option_decide,
    make_appointment,
    never_guest,
)
from calendars.sync.trying_again import StillWrong, try_again
from calendars.tasks import work_calendar
from contacts.viewer import viewer_of


def ledger(request: HttpRequest) -> HttpResponse:
    """The list; asked for by HTMX, only the part that changes while a person types."""
    chosen = LedgerFilter(request.GET, request=request, now=timezone.now(), user=viewer_of(request))
    part = getattr(request, "htmx", False) and not request.htmx.boosted  # type: ignore[attr-defined]  # htmx's
    query = request.GET.copy()
    query.pop("page", None)
    return render(
        request,
        "calendars/_ledger.html" if part else "calendars/ledger.html",
        {"filter": chosen, "page": chosen.page(request.GET.get("page")), "query": query.urlencode()},
    )


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Read or plan one event once more, at once, and back to where the button stood: its page, or the list that
    `ledger` is the query of. Only the owner of the Google account may.
    """
    event = _own_event(request, pk)
    try:
        event = try_again(event, now=timezone.now())
    except StillWrong as error:
        messages.error(request, f"{event_title(event)}: not yet. {error}")
    else:
        done = event.reason if event.is_planned else "It is done within a moment."
        messages.success(request, f"{event_title(event)}: {done}")
    if "ledger" in request.POST:
        query = QueryDict(request.POST["ledger"]).urlencode()
        return redirect(f"{reverse('calendars:ledger')}?{query}")
    return redirect("calendars:event", pk=pk)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """`decision`: make, private, option (both also as "…-series"), or never with `address`. Only the owner of the
    Google account decides.
    """
    event = _own_event(request, pk)
    try:
        event, done = _decided(request, event)
    except NotPossible as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is done within a moment." if event.replan else done)
    if event.appointment is not None and not event.appointment.is_void:
        return redirect(event.appointment)
    return redirect("calendars:event", pk=pk)


def _decided(request: HttpRequest, event: GoogleEvent) -> tuple[GoogleEvent, str]:
    """The event as the person's decision left it, and the words for it. Raises NotPossible."""
    by, now = viewer_of(request), timezone.now()
    # "private-series": for all occurrences of its series.
    decision, _, scope = request.POST.get("decision", "").partition("-")
    whole_series = scope == "series"
    if decision == "make":
        event = make_appointment(event, by=by, now=now)
    elif decision == "private":
        had_one = event.appointment is not None and not event.appointment.is_void
        event = keep_private(event, by=by, now=now, whole_series=whole_series)
        return event, f"{event.reason} Its contacts stay." if had_one else event.reason
    elif decision == "option":
        event = let_option_decide(event, by=by, now=now, whole_series=whole_series)
    elif decision == "never":
        stands = event.appointment is not None and not event.appointment.is_void
        event = never_guest(event, request.POST.get("address", ""), by=by, now=now)
        if stands:
            return event, f"{request.POST['address']} becomes no contact from now on. The appointment stays."
    else:
        raise NotPossible("Choose what to do with this event.")
    return event, event.reason


def _own_event(request: HttpRequest, pk: int) -> GoogleEvent:
    rows = GoogleEvent.objects.select_related("google_calendar__account", "appointment")
    return get_object_or_404(rows, pk=pk, google_calendar__account__user=request.user)


@require_http_methods(["GET", "POST"])
def braked(request: HttpRequest, pk: int) -> HttpResponse:
    """What a braked pull would cancel; POST `decision`: cancel, or keep."""
    runs = SyncRun.objects.select_related("google_calendar")
    run = get_object_or_404(runs, pk=pk, google_calendar__account__user=request.user)
    if run.state != SyncRun.State.BRAKED:
        messages.info(request, "Nothing waits there any more.")
        return redirect("calendars:agenda")
    now = timezone.now()
    if request.method == "GET":
        held = brake.held_events(run, now)
        whys = {each.why for each in held}
        # One reason is said once: on a phone each row is a card.
        same = whys.pop() if len(whys) == 1 and len(held) > 1 else ""
        return render(request, "calendars/braked.html", {"run": run, "held": held, "same": same})
    shown = [int(each) for each in request.POST.getlist("event") if each.isdecimal()]
    if request.POST.get("decision") == "keep":
        brake.keep(run, shown, by=viewer_of(request), now=now)
        messages.success(request, "The appointments stay as they are.")
    elif request.POST.get("decision") == "cancel":
        brake.release(run, shown, by=viewer_of(request), now=now)
        messages.success(request, "The appointments are being cancelled now.")
    else:
        messages.error(request, "Choose what to do with these appointments.")
        return redirect("calendars:braked", pk=pk)
    work_calendar.delay(run.google_calendar_id)
    return redirect("calendars:agenda")
