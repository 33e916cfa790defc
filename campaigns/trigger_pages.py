"""The trigger log, and firing by hand what stayed silent: first a page that shows what would come of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from campaigns import by_hand, plan, trigger_log
from campaigns import outbox as outbox_rows
from campaigns.models import TriggerEvent
from contacts.models import Contact
from contacts.paging import page_of
from contacts.viewer import viewer_of

# More than a page of the log shows, and few enough to be read.
MOST_AT_ONCE = 200


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """The list; asked for by HTMX, only the part that changes while a person types."""
    now = timezone.now()
    chosen = trigger_log.LogFilter(request.GET, now=now)
    page = page_of(chosen.qs, request.GET.get("page"))
    rows = trigger_log.rows_of(page.rows, viewer_of(request), now)
    part = getattr(request, "htmx", False) and not request.htmx.boosted  # type: ignore[attr-defined]  # htmx's
    return render(
        request,
        "campaigns/_trigger_log.html" if part else "campaigns/trigger_log.html",
        {
            "filter": chosen,
            "page": page,
            "rows": rows,
            "may_fire": any(row.can_fire for row in rows),
            "person": _person(request),
            "turning": {"previous": page.number - 1, "next": page.number + 1},
        },
    )


def _person(request: HttpRequest) -> Contact | None:
    asked = request.GET.get("contact", "")
    return Contact.objects.prefetch_related("emails").filter(pk=asked).first() if asked.isdecimal() else None


@require_http_methods(["GET", "HEAD", "POST"])
def fire(request: HttpRequest) -> HttpResponse:
    """GET shows what firing the chosen events would do, POST does it. `event`: their ids."""
    viewer = viewer_of(request)
    chosen = _chosen(request, request.POST if request.method == "POST" else request.GET)
    if request.method == "POST":
        fired = by_hand.fire(chosen, by=viewer)
        _tell(request, len(chosen), fired)
        appointments = {event.appointment_id: event.appointment for event in fired}
        only = next(iter(appointments.values())) if len(appointments) == 1 else None
        return redirect(only) if only is not None else redirect("campaigns:trigger_log")
    coming = by_hand.would_come(chosen, by=viewer)
    events = [each.event for each in coming]
    told = trigger_log.named(events)
    shown = [
        (each.event, told[each.event.pk], plan.planned(outbox_rows.row_of(m) for m in each.messages))
        for each in coming
    ]
    return render(
        request,
        "campaigns/fire.html",
        {
            "coming": shown,
            "asked": len(chosen),
            "number": sum(len(each.messages) for each in coming),
            "most": MOST_AT_ONCE,
        },
    )


def _chosen(request: HttpRequest, data: QueryDict) -> list[int]:
    """Those asked for that the viewer may read, the oldest first."""
    asked = [int(each) for each in data.getlist("event") if each.isdecimal()]
    found = dict(TriggerEvent.objects.filter(pk__in=asked).values_list("pk", "appointment_id"))
    hidden = outbox_rows.hidden_from(viewer_of(request), set(found.values()))
    return sorted(pk for pk, appointment in found.items() if appointment not in hidden)[:MOST_AT_ONCE]


def _tell(request: HttpRequest, asked: int, fired: list[TriggerEvent]) -> None:
    if not fired:
        messages.info(request, "Nothing is left to fire: it fired before, or its time has passed.")
        return
    entered = sum(not why for event in fired for _, why in event.outcomes)
    words = f"Fired {len(fired)}, entered {entered} time{'' if entered == 1 else 's'} in a campaign."
    if len(fired) < asked:
        words += f" {asked - len(fired)} had fired meanwhile, or may not any more."
    messages.success(request, words)
