"""Everything we ask of Google Calendar, in our words: the only calls we make to its API.

One client for one unit of work, with a transport of its own, never shared between threads or accounts. The
library behind it is imported at the first client and not before (see `library.py`).
"""

import contextlib
import datetime
import functools
import logging
import random
import time
import weakref
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from django.conf import settings

from integrations.google.account_http import AccountHttp
from integrations.google.answers import Asked, error_for
from integrations.google.errors import Gone, GoogleError, Refused, TryLater
from integrations.google.events import (
    LOCAL_ETAG,
    EventDraft,
    EventPatch,
    RemoteEvent,
    Unreadable,
    answer_for_us,
    read_event,
    write_draft,
    write_patch,
)
from integrations.google.pages import (
    Channel,
    EventPage,
    RemoteCalendar,
    expiry,
    has_id,
    items_of,
    read_calendar,
    read_page,
    window,
)
from integrations.google.transport import new_http
from integrations.models import GoogleAccount
from integrations.pausing import mark_missing

__all__ = ["CalendarClient", "Channel", "EventPage", "RemoteCalendar", "client_for"]

logger = logging.getLogger(__name__)

# L1: the most that Google gives; a stand-in may give less, and pages are followed whatever their length.
EVENTS_A_PAGE = 2500
CALENDARS_A_PAGE = 250


@functools.cache
def _library() -> ModuleType:
    from integrations.google import library  # noqa: PLC0415 (31 MB that a web process rarely needs)

    return library


def client_for(account: GoogleAccount) -> "CalendarClient":
    """A client for one unit of work. Raises Reconnect for an account that is paused or disconnected,
    TryLater.
    """
    transport = new_http()
    try:
        return CalendarClient(account, AccountHttp(account, transport))
    except GoogleError:
        transport.close()
        raise


class CalendarClient:
    """The Calendar API for one account. Every method may raise TryLater, Reconnect and Refused.

    Etags of "" and of our own making are not sent: such a write is unconditional. A PATCH or DELETE that the
    transport repeated by itself can answer Changed or Gone though the first try came through; pulling the
    event tells.
    """

    def __init__(self, account: GoogleAccount, transport: AccountHttp) -> None:
        self.account = account
        self._transport = transport
        resources = _library().resources_now()
        self._events, self._calendar_list = resources.events, resources.calendar_list
        self._channels = resources.channels
        # Calendars that were in the list when an event of theirs was not found.
        self._shown: set[str] = set()
        # Its connections end with it, also where a caller forgets to close it.
        self._end = weakref.finalize(self, transport.transport.close)

    def __enter__(self) -> "CalendarClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._end()

    # --- reading ---

    def list_calendars(self) -> tuple[RemoteCalendar, ...]:
        """Every calendar in this person's list, those hidden from view too. Refused, reason "scope", without the
        permission to list.
        """
        request = self._calendar_list.list(maxResults=CALENDARS_A_PAGE, showHidden=True)
        found: list[RemoteCalendar] = []
        for answer in self._every_page(request, self._calendar_list, Asked.OTHER):
            found += [read_calendar(item) for item in items_of(answer) if has_id(item)]
        return tuple(found)

    def list_events(
        self,
        google_id: str,
        *,
        sync_token: str = "",
        starts_at: datetime.datetime | None = None,
        ends_at: datetime.datetime | None = None,
        time_zone: str = "UTC",
    ) -> Iterator[EventPage]:
        """The pages of a full pull, or of what changed since `sync_token`. `time_zone`: for whole days.

        Both kinds send the same parameters, but that the window goes with a full pull alone (S3, S4).
        Occurrences instead of series (R5), all event types (L4), and no word on deleted ones: a full pull
        then brings none, and a linked row it leaves out is asked for by its id; an incremental pull brings
        them always, as tombstones (S11), and would be refused if it said otherwise. A series deleted whole
        may come as one tombstone with the series' id. What the token brings may lie outside the window (S6).
        Raises PullInFull for a dead token.
        """
        asked = Asked.LIST_WITH_TOKEN if sync_token else Asked.LIST
        wanted: dict[str, Any] = {"syncToken": sync_token} if sync_token else window(starts_at, ends_at)
        request = self._events.list(
            calendarId=google_id,
            singleEvents=True,
            maxResults=getattr(settings, "GOOGLE_EVENTS_A_PAGE", EVENTS_A_PAGE),
            **wanted,
        )
        for answer in self._every_page(request, self._events, asked):
            token = "" if answer.get("nextPageToken") else str(answer.get("nextSyncToken") or "")
            yield read_page(answer, google_id, time_zone, token)

    def get_event(
        self, calendar_id: str, event_id: str, *, time_zone: str = "UTC", etag: str = ""
    ) -> RemoteEvent:
        """The event now; a deleted one has status "cancelled" (S13). Raises Gone, and Unchanged where it has
        `etag`.

        A 404 may as well mean that the whole calendar is no longer shown (W14): then this raises Refused, reason
        "notFound", for nothing is known of the event. Gone is said twice before it is believed.
        """
        try:
            raw = self._get(calendar_id, event_id, etag=etag)
        except Gone:
            self._see(calendar_id)
            raw = self._get(calendar_id, event_id, etag=etag)
        return self._read(raw, calendar_id, time_zone)

    # --- writing ---

    def insert_event(
        self, calendar_id: str, draft: EventDraft, *, send_updates: str, time_zone: str = "UTC"
    ) -> RemoteEvent:
        """Raises AlreadyThere when its id is taken: get the event and go on from there (W2).

        A Meet link takes Google a moment: it is asked for once more, and may still come with a later pull (W9).
        """
        request = self._events.insert(
            calendarId=calendar_id,
            body=write_draft(draft),
            sendUpdates=send_updates,
            # W9: without it a conference is ignored, on every write of that event.
            conferenceDataVersion=1,
        )
        event = self._read(self._execute(request, Asked.INSERT), calendar_id, time_zone)
        if draft.wants_meet and not event.meeting_url:
            with contextlib.suppress(Gone, TryLater):
                return self._read(self._get(calendar_id, event.google_id), calendar_id, time_zone)
        return event

    def patch_event(
        self,
        calendar_id: str,
        event_id: str,
        patch: EventPatch,
        *,
        etag: str,
        send_updates: str,
        time_zone: str = "UTC",
    ) -> RemoteEvent:
        """Raises Changed when the event no longer has `etag`, and Gone.

        Attendees are merged with the list Google holds, so that nobody's answer is lost (W5); a list that
        Google gives in part only is left alone.
        """
        invites = patch.invited or patch.uninvited
        current: Mapping[str, Any] = self._get(calendar_id, event_id) if invites else {}
        body = write_patch(patch, current=items_of(current, "attendees"))
        if current.get("attendeesOmitted"):
            body.pop("attendees", None)
        return self._patch(
            calendar_id, event_id, body, etag=etag, send_updates=send_updates, time_zone=time_zone
        )

    def delete_event(self, calendar_id: str, event_id: str, *, etag: str = "", send_updates: str) -> None:
        """Raises Gone when it was deleted already, and Changed."""
        request = self._events.delete(calendarId=calendar_id, eventId=event_id, sendUpdates=send_updates)
        try:
            self._execute(_only_if(request, etag), Asked.EVENT)
        except Gone:
            # A calendar that is not shown to us answers like an event that is gone (W14), and keeps it.
            self._see(calendar_id)
            raise

    def respond(
        self, calendar_id: str, event_id: str, response: str, *, send_updates: str, time_zone: str = "UTC"
    ) -> RemoteEvent:
        """Answers an invitation: accepted, declined or tentative. Refused, "notInvited", when we are no guest; Gone
        also where it was cancelled.
        """
        current = self._get(calendar_id, event_id)
        if current.get("status") == "cancelled":
            raise Gone("The event was cancelled at Google.")
        people = answer_for_us(items_of(current, "attendees"), response, calendar_id=calendar_id)
        if not people:
            raise Refused("This account is not among the guests of the event.", "notInvited")
        body: dict[str, Any] = {"attendees": people}
        if current.get("attendeesOmitted"):
            # P2: a list in part would replace the whole, unless it says that it is one.
            body = {
                "attendees": [answer for answer in people if answer.get("self")],
                "attendeesOmitted": True,
            }
        etag = str(current.get("etag") or "")
        return self._patch(
            calendar_id, event_id, body, etag=etag, send_updates=send_updates, time_zone=time_zone
        )

    # --- channels ---

    def watch(
        self, calendar_id: str, *, channel_id: str, address: str, token: str, life: datetime.timedelta
    ) -> Channel:
        """Asks for notices at `address`. Store the channel first: the first notice may arrive before this
        (N2).
        """
        body = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": token,
            "params": {"ttl": str(int(life.total_seconds()))},
        }
        answer = self._execute(self._events.watch(calendarId=calendar_id, body=body), Asked.OTHER)
        return Channel(channel_id, str(answer.get("resourceId") or ""), expiry(answer.get("expiration")))

    def stop(self, channel_id: str, resource_id: str) -> None:
        """Ends a channel. One that Google does not know is over already (N8)."""
        request = self._channels.stop(body={"id": channel_id, "resourceId": resource_id})
        try:
            self._execute(request, Asked.EVENT)
        except Gone:
            return

    # --- the way there and back ---

    def _see(self, calendar_id: str) -> None:
        """Make sure, once a client, that the calendar is in this person's list. Raises Refused where it is not."""
        if calendar_id in self._shown:
            return
        self._shown |= {calendar.google_id for calendar in self.list_calendars()}
        if not self._shown & {calendar_id, *(["primary"] if calendar_id == self.account.address else [])}:
            raise Refused("Google no longer shows this calendar to the account.", "notFound")

    def _every_page(self, request: Any, resource: Any, asked: Asked) -> Iterator[dict[str, Any]]:
        """The answers of a list, page by page. Raises TryLater where one leads back to a page that was read."""
        read: set[str] = set()
        while request is not None:
            answer = self._ask_on(request, asked) if read else self._ask(request, asked)
            page = str(answer.get("nextPageToken") or "")
            if page in read:
                raise TryLater("Google's list led back to a page that was read already.")
            read |= {page} - {""}
            request = resource.list_next(request, answer)
            yield answer

    def _ask_on(self, request: Any, asked: Asked) -> dict[str, Any]:
        """As `_ask`, of a further page: it is asked for again, twice, before all pages before it are for nothing (Q4).
        What Google asks us to wait for longer is for the caller to wait for."""
        for pause in settings.GOOGLE_PAGE_PAUSES:
            try:
                return self._ask(request, asked)
            except TryLater as error:
                if error.is_limit or (error.after is not None and error.after > pause):
                    raise
                time.sleep(pause.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 (spreads load; guards nothing)
        return self._ask(request, asked)

    def _get(self, calendar_id: str, event_id: str, *, etag: str = "") -> Mapping[str, Any]:
        request = self._events.get(calendarId=calendar_id, eventId=event_id)
        if etag and not etag.startswith(LOCAL_ETAG):
            request.headers["If-None-Match"] = etag
        return self._ask(request, Asked.EVENT)

    def _patch(
        self,
        calendar_id: str,
        event_id: str,
        body: dict[str, Any],
        *,
        etag: str,
        send_updates: str,
        time_zone: str,
    ) -> RemoteEvent:
        request = self._events.patch(
            calendarId=calendar_id,
            eventId=event_id,
            body=body,
            sendUpdates=send_updates,
            conferenceDataVersion=1,
        )
        answer = self._execute(_only_if(request, etag), Asked.EVENT)
        return self._read(answer, calendar_id, time_zone)

    def _read(self, raw: Mapping[str, Any], calendar_id: str, time_zone: str) -> RemoteEvent:
        try:
            return read_event(raw, calendar_time_zone=time_zone, calendar_id=calendar_id)
        except Unreadable as error:
            raise Refused(error.why, "unreadable") from error

    def _ask(self, request: Any, asked: Asked) -> dict[str, Any]:
        """As `_execute`, of a question: success without a word is no answer to one, and worth another try."""
        answer = self._execute(request, asked)
        if not answer:
            raise TryLater(_library().UNREADABLE)
        return answer

    def _execute(self, request: Any, asked: Asked) -> dict[str, Any]:
        """The answer; {} where it has no body, as that of a deletion."""
        library = _library()
        try:
            answer: dict[str, Any] = library.execute(request, self._transport)
            return answer
        except library.Answered as answered:
            error = error_for(answered.refusal, asked)
            error.was_repeated = self._transport.was_repeated
            refusal = answered.refusal
            logger.info("Google answered account %s: %s %s", self.account.pk, refusal.status, refusal.reason)
            if isinstance(error, Refused) and error.reason == "scope":
                mark_missing(self.account, error.why)
            raise error from answered


def _only_if(request: Any, etag: str) -> Any:
    """`request`, to be carried out only while the event has `etag` (W4)."""
    if etag and not etag.startswith(LOCAL_ETAG):
        request.headers["If-Match"] = etag
    return request
