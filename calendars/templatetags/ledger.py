"""How a row of the ledger reads, and what other apps' pages show of it."""

import datetime
from collections import defaultdict
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone

from calendars.agenda import event_title as title_of
from calendars.ledger import WHOLE_ACCOUNT, need_a_look
from calendars.models import GoogleEvent, PushTarget, SyncRun
from calendars.sync.brake import braked_runs
from contacts.time_zones import zone_or_none
from contacts.viewer import viewer_of
from integrations.models import GoogleAccount

register = template.Library()
SHOWN = 5


@register.filter
def event_title(event: GoogleEvent) -> str:
    return title_of(event)


@register.filter
def first_day(event: GoogleEvent) -> datetime.date | None:
    """The first day of an all-day event, in the zone of its own calendar."""
    zone = zone_or_none(event.google_calendar.time_zone) or datetime.UTC
    return event.starts_at.astimezone(zone).date() if event.starts_at else None


@register.filter
def next_try_at(event: GoogleEvent) -> datetime.datetime | None:
    """When it is tried again by itself: an unreadable one with the night's full pull. None: as soon as may be."""
    at = event.google_calendar.next_full_at if event.is_unreadable else event.not_before
    return at if at is not None and at > timezone.now() else None


@register.inclusion_tag("calendars/_need_a_look.html", takes_context=True)
def events_that_need_a_look(context: dict[str, Any], account: GoogleAccount) -> dict[str, Any]:
    """That events of `account` could not be read or carried out, if any; one query a page, however many accounts."""
    request: HttpRequest = context["request"]
    if not hasattr(request, "events_that_failed"):
        request.events_that_failed = need_a_look(viewer_of(request))  # type: ignore[attr-defined]
    failed: dict[int, int] = request.events_that_failed  # type: ignore[attr-defined]
    return {"failed": failed.get(account.pk, 0), "calendar": f"{WHOLE_ACCOUNT}{account.pk}"}


@register.inclusion_tag("calendars/_braked_pulls.html", takes_context=True)
def braked_pulls(context: dict[str, Any], account: GoogleAccount) -> dict[str, Any]:
    """The pulls of `account` that wait for a person; one query a page, however many accounts."""
    request: HttpRequest = context["request"]
    if not hasattr(request, "braked_pulls"):
        request.braked_pulls = braked_runs(viewer_of(request))  # type: ignore[attr-defined]
    found: list[SyncRun] = request.braked_pulls  # type: ignore[attr-defined]
    return {"braked": [run for run in found if run.google_calendar.account_id == account.pk]}


@register.inclusion_tag("calendars/_refused_pushes.html", takes_context=True)
def refused_pushes(context: dict[str, Any], account: GoogleAccount) -> dict[str, Any]:
    """The appointments that Google did not take for `account`, and why; one query a page, however many accounts."""
    request: HttpRequest = context["request"]
    if not hasattr(request, "refused_pushes"):
        behind = (
            PushTarget.objects.behind()
            .exclude(last_error="")
            .select_related("appointment", "google_calendar")
        )
        mine = behind.filter(google_calendar__account__user=viewer_of(request))
        found: dict[int, list[PushTarget]] = defaultdict(list)
        for target in mine.order_by("not_before", "pk"):
            found[target.google_calendar.account_id].append(target)
        request.refused_pushes = found  # type: ignore[attr-defined]
    refused: list[PushTarget] = request.refused_pushes.get(account.pk, [])  # type: ignore[attr-defined]
    return {"refused": refused[:SHOWN], "number": len(refused), "more": max(len(refused) - SHOWN, 0)}
