"""The trigger log, and firing by hand what stayed silent: first a page that shows what would come of it."""

import itertools

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from campaigns import by_hand, plan, trigger_log, whole_log
from campaigns import outbox as outbox_rows
from campaigns.models import TriggerEvent
from contacts.models import Contact
from contacts.paging import page_of
from contacts.viewer import viewer_of

# More than a page of the log shows, and few enough to be read.
MOST_AT_ONCE = 200
# Of all that a filter finds, so many are shown in full.
FIRST_PAGE = 20


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """The list; asked for by HTMX, only the part that changes while a person types."""
    now = timezone.now()
    chosen = trigger_log.LogFilter(request.GET, now=now)
    page = page_of(chosen.qs, request.GET.get("page"))
    rows = trigger_log.rows_of(page.rows, viewer_of(request), now)
    may_fire = any(row.can_fire for row in rows)
    several_pages = page.has_next or page.has_previous
    selection = whole_log.fireable(chosen.qs, viewer_of(request), now) if may_fire and several_pages else None
    part = getattr(request, "htmx", False) and not request.htmx.boosted  # type: ignore[attr-defined]  # htmx's
    return render(
        request,
        "campaigns/_trigger_log.html" if part else "campaigns/trigger_log.html",
        {
            "filter": chosen,
            "page": page,
            "rows": rows,
            "may_fire": may_fire,
            "selection": selection,
            "query": _filter_of(request.GET).urlencode(),
            "person": _person(request),
            "turning": {"previous": page.number - 1, "next": page.number + 1},
        },
    )


def _person(request: HttpRequest) -> Contact | None:
    asked = request.GET.get("contact", "")
    return Contact.objects.prefetch_related("emails").filter(pk=asked).first() if asked.isdecimal() else None


def _filter_of(data: QueryDict) -> QueryDict:
    """What narrows the log, without the page that is shown of it."""
    kept = QueryDict(mutable=True)
    for name in trigger_log.LogFilter.base_filters:
        if data.get(name):
            kept.setlist(name, data.getlist(name))
    return kept


@require_http_methods(["GET", "HEAD", "POST"])
def fire(request: HttpRequest) -> HttpResponse:
    """GET shows what firing the chosen events would do, POST does it. `event`: their ids."""
    viewer = viewer_of(request)
    if request.method == "POST":
        return _fired(request, _chosen(request, request.POST))
    chosen = _chosen(request, request.GET)
    coming = by_hand.would_come(chosen, by=viewer)
    return render(
        request,
        "campaigns/fire.html",
        {
            **_page(coming),
            "asked": len(chosen),
            "number": sum(len(each.messages) for each in coming),
            "most": MOST_AT_ONCE,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def fire_all(request: HttpRequest) -> HttpResponse:
    """The same for everything that the filter of the log finds. GET counts it and shows the first of it; POST fires no
    more than was counted, up to `latest`."""
    viewer, data = viewer_of(request), request.POST if request.method == "POST" else request.GET
    narrowed = _filter_of(data)
    chosen = trigger_log.LogFilter(narrowed, now=timezone.now())
    # A filter that cannot be read narrows nothing, and nobody meant that.
    found = chosen.qs if chosen.is_valid() else TriggerEvent.objects.none()
    latest = data.get("latest", "")
    selection = whole_log.fireable(
        found, viewer, timezone.now(), up_to=int(latest) if latest.isdecimal() else None
    )
    if request.method == "POST":
        return _fired(request, selection.ids)
    coming = by_hand.would_come(selection.ids[:FIRST_PAGE], by=viewer)
    return render(
        request,
        "campaigns/fire.html",
        {
            **_page(coming),
            "selection": selection,
            "foreseen": whole_log.foreseen(selection.events),
            "people": len({event.contact_id for event in selection.events}),
            "narrowed": narrowed.items(),
            "query": narrowed.urlencode(),
        },
    )


def _fired(request: HttpRequest, chosen: list[int]) -> HttpResponse:
    fired = by_hand.fire(chosen, by=viewer_of(request))
    _tell(request, len(chosen), fired)
    appointments = {event.appointment_id: event.appointment for event in fired}
    only = next(iter(appointments.values())) if len(appointments) == 1 else None
    return redirect(only) if only is not None else redirect("campaigns:trigger_log")


Foreseen = tuple[TriggerEvent, list[trigger_log.Outcome], list[plan.Planned]]


def _page(coming: list[by_hand.Coming]) -> dict[str, object]:
    """All that fires, and of it what a campaign is about; the others are counted."""
    every = _told(coming)
    shown = [each for each in every if each[1] or each[2]]
    return {"coming": every, "shown": shown, "idle": len(every) - len(shown)}


def _told(coming: list[by_hand.Coming]) -> list[Foreseen]:
    told = trigger_log.named([each.event for each in coming])
    # Of all of them at once: what planning reads, it reads once.
    planned = iter(plan.planned(outbox_rows.row_of(message) for each in coming for message in each.messages))
    return [
        (each.event, told[each.event.pk], list(itertools.islice(planned, len(each.messages))))
        for each in coming
    ]


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
