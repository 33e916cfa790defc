"""How a row of the ledger reads, and what other apps' pages show of it."""

import datetime
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from django import template
from django.http import HttpRequest
from django.utils import timezone

from calendars.agenda import event_title as title_of
from calendars.headline import Headline, Waiting, headline
from calendars.ledger import WHOLE_ACCOUNT, need_a_look
from calendars.models import GoogleEvent, PushTarget
from calendars.sync.brake import braked_runs
from contacts.models import User
from contacts.time_zones import zone_or_none
from contacts.viewer import viewer_of
from integrations.cards import AccountCard
from integrations.models import GoogleAccount

register = template.Library()
Found = TypeVar("Found")
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
    failed = _once(context["request"], need_a_look)
    return {"failed": failed.get(account.pk, 0), "calendar": f"{WHOLE_ACCOUNT}{account.pk}"}


@register.inclusion_tag("calendars/_braked_pulls.html", takes_context=True)
def braked_pulls(context: dict[str, Any], account: GoogleAccount) -> dict[str, Any]:
    """The pulls of `account` that wait for a person; one query a page, however many accounts."""
    runs = _once(context["request"], braked_runs)
    return {"braked": [run for run in runs if run.google_calendar.account_id == account.pk]}


@register.inclusion_tag("calendars/_refused_pushes.html", takes_context=True)
def refused_pushes(context: dict[str, Any], account: GoogleAccount) -> dict[str, Any]:
    """The appointments that Google did not take for `account`, and why; one query a page, however many accounts."""
    refused = _once(context["request"], _refused).get(account.pk, [])
    more = max(len(refused) - SHOWN, 0)
    return {"account": account, "refused": refused[:SHOWN], "number": len(refused), "more": more}


@register.simple_tag(takes_context=True)
def headline_of(context: dict[str, Any], card: AccountCard) -> Headline:
    """What is said of `card` in large type; asks nothing more than the tags above do."""
    request, pk = context["request"], card.account.pk
    runs = _once(request, braked_runs)
    waiting = Waiting(
        braked=sum(run.google_calendar.account_id == pk for run in runs),
        refused=len(_once(request, _refused).get(pk, [])),
        failed=_once(request, need_a_look).get(pk, 0),
    )
    return headline(card, waiting)


def _refused(viewer: User) -> dict[int, list[PushTarget]]:
    """By account, those of `viewer` that Google did not take, the next to be tried first."""
    behind = (
        PushTarget.objects.behind().exclude(last_error="").select_related("appointment", "google_calendar")
    )
    mine = behind.filter(google_calendar__account__user=viewer)
    found: dict[int, list[PushTarget]] = defaultdict(list)
    for target in mine.order_by("not_before", "pk"):
        found[target.google_calendar.account_id].append(target)
    return found


def _once(request: HttpRequest, ask: Callable[[User], Found]) -> Found:
    """What `ask` answers of the viewer, asked the first time only that a page wants it."""
    kept: dict[Callable[[User], Found], Found] = request.__dict__.setdefault("asked_once", {})
    if ask not in kept:
        kept[ask] = ask(viewer_of(request))
    return kept[ask]
