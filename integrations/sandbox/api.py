"""The Calendar API: from a routed request to an answer, in the order Google decides it.

Known method → parameters → token → scopes → fault → body → the verb, in one transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.sandbox import colors, discovery, event_rules, freebusy, times
from integrations.sandbox.calendar_list import CalendarList
from integrations.sandbox.channels import Channels
from integrations.sandbox.discovery import Call, Method
from integrations.sandbox.errors import (
    ApiError,
    ConnectionDropped,
    Json,
    bad_request,
    forbidden,
    insufficient_scopes,
    not_found,
    not_implemented,
    unauthenticated,
)
from integrations.sandbox.event_view import View, full_resource
from integrations.sandbox.events import Events, Write
from integrations.sandbox.faults import Faults
from integrations.sandbox.journal import Journal, LoggedRequest
from integrations.sandbox.listing import Listing
from integrations.sandbox.oauth import OAuth, Token
from integrations.sandbox.people import Calendar, People, Person, at_least, calendar_resource
from integrations.sandbox.store import Row, Store
from integrations.sandbox.synctokens import SyncTokens
from integrations.sandbox.wire import Request, Response, json_response

ROOT = "/calendar/v3/"
SCOPE = "https://www.googleapis.com/auth/"
EVERYTHING = {
    SCOPE + name for name in ("calendar", "calendar.readonly", "calendar.events", "calendar.events.readonly")
}
OWNED = {SCOPE + "calendar.events.owned", SCOPE + "calendar.events.owned.readonly"}
REFUSED_PARAMETERS = ("sendNotifications", "alwaysIncludeEmail", "eventLabelVersion")


@dataclass(frozen=True)
class Context:
    """One call by one person, checked as far as the document and the scopes go."""

    call: Call
    request: Request
    person: Person
    token: Token
    body: Json


class Api:
    def __init__(
        self, store: Store, people: People, oauth: OAuth, channels: Channels, journal: Journal
    ) -> None:
        self.store = store
        self.people = people
        self.oauth = oauth
        self.channels = channels
        self.journal = journal
        self.tokens = SyncTokens(store)
        self.events = Events(store, people)
        self.listing = Listing(store, self.tokens)
        self.calendar_list = CalendarList(store, people, self.tokens)
        self.faults = Faults()
        self._recent: dict[str, deque[datetime]] = {}
        self._verbs: dict[str, Callable[[Context], Response]] = {
            "calendar.calendarList.get": self._calendar_list_get,
            "calendar.calendarList.list": self._calendar_list_list,
            "calendar.calendarList.watch": self._calendar_list_watch,
            "calendar.calendars.get": self._calendars_get,
            "calendar.calendars.insert": self._calendars_insert,
            "calendar.channels.stop": self._channels_stop,
            "calendar.colors.get": lambda context: json_response(colors.palette()),
            "calendar.events.delete": self._events_delete,
            "calendar.events.get": self._events_get,
            "calendar.events.insert": self._events_insert,
            "calendar.events.instances": self._events_instances,
            "calendar.events.list": self._events_list,
            "calendar.events.move": self._events_move,
            "calendar.events.patch": self._events_patch,
            "calendar.events.update": self._events_update,
            "calendar.events.watch": self._events_watch,
            "calendar.freebusy.query": self._freebusy_query,
        }

    # One call, from the wire

    def answer(self, request: Request) -> Response:
        """Never raises ApiError; raises ConnectionDropped when a fault asks for it."""
        method_id, person, status = "unknown", "", 0
        try:
            person = self._owner(request)
            method, arguments = discovery.route(request.method, request.path.removeprefix(ROOT))
            method_id = method.id
            response = self._with_fault(method, arguments, request, person)
            status = response.status
        except ApiError as error:
            status = error.status
            headers = {"Content-Type": "application/json; charset=UTF-8", **error.headers}
            response = Response(error.status, error.body() if error.status != 304 else b"", headers)
        finally:
            self._log(request, method_id, person, status)
        return response

    def _log(self, request: Request, method_id: str, person: str, status: int) -> None:
        body: Json | None = None
        if request.body:
            try:
                body = request.json()
            except ApiError:
                body = None
        with self.store.lock:
            moment = self.store.now()
        query, if_match = request.query, request.header("If-Match")
        self.journal.add(
            LoggedRequest(moment, method_id, person, request.path, query, status, if_match, body)
        )

    def _owner(self, request: Request) -> str:
        with self.store.lock:
            token = self._bearer(request)
        return token.person if token else ""

    def _bearer(self, request: Request) -> Token | None:
        scheme, _, text = (request.header("Authorization") or "").partition(" ")
        token = self.oauth.token(text) if scheme.lower() == "bearer" else None
        return token if token and token.kind == "access" else None

    def _with_fault(
        self, method: Method, arguments: dict[str, str], request: Request, person: str
    ) -> Response:
        about = f"{request.path} {_id_in(method, request)}" if self.faults.waiting else ""
        fault = self.faults.take(method.id, person, about)
        if fault is not None and fault.drop_before:
            raise ConnectionDropped
        if fault is not None and not fault.drop_after:
            raise fault.error()
        with self.channels.announced():
            response = self._perform(method, arguments, request)
        if fault is not None:
            raise ConnectionDropped
        return response

    def _perform(self, method: Method, arguments: dict[str, str], request: Request) -> Response:
        verb = self._verbs.get(method.id)
        if verb is None:
            raise not_implemented(method.id)
        call = discovery.parse_call(method, arguments, request.query)
        if not request.header("Authorization"):
            raise unauthenticated("Login Required.", "required")
        token = self._bearer(request)
        person = self.people.find(token.person) if token else None
        if token is None or person is None:
            raise unauthenticated()
        self._check_rate(person.email)
        if not token.scopes & method.scopes:
            raise insufficient_scopes(method.id)
        for name in REFUSED_PARAMETERS:
            if call.params.get(name):
                raise not_implemented(f"the parameter {name}")
        return verb(Context(call, request, person, token, _body(method, request)))

    def _check_rate(self, person: str) -> None:
        """Q1, when a test sets the limit: so many requests a minute and person, sliding."""
        limit = int(self.store.option("requests_per_minute"))
        if not limit:
            return
        now, recent = self.store.now(), self._recent.setdefault(person, deque())
        while recent and recent[0] <= now - timedelta(minutes=1):
            recent.popleft()
        if len(recent) >= limit:
            message = "User Rate Limit Exceeded"
            raise ApiError(403, "userRateLimitExceeded", message, domain="usageLimits")
        recent.append(now)

    def forget_rates(self) -> None:
        self._recent.clear()

    # Access

    def _open(self, context: Context) -> tuple[Calendar, str]:
        """The calendar, and the role that is left of the person's by the token's scopes (A6)."""
        calendar, role = self.people.open(context.person.email, context.call.params["calendarId"])
        usable = context.token.scopes & context.call.method.scopes
        if usable & EVERYTHING or (usable & OWNED and role == "owner"):
            return calendar, role
        if SCOPE + "calendar.app.created" in usable and calendar.body.get("app") == context.token.client:
            return calendar, role
        if SCOPE + "calendar.events.freebusy" in usable:
            return calendar, "freeBusyReader"
        if SCOPE + "calendar.events.public.readonly" in usable:
            raise not_implemented("public calendars")
        raise forbidden("The token's scopes do not reach this calendar.")

    def view(self, calendar: Calendar, role: str, params: Json) -> View:
        return View(
            calendar,
            role,
            times.zone(params.get("timeZone", calendar.time_zone)),
            self.store.option("instance_ids"),
            params.get("maxAttendees"),
            bool(self.store.option("full_tombstones")),
        )

    def _write(self, context: Context) -> Write:
        calendar, role = self._open(context)
        return Write(context.person, calendar, role, context.call.params, context.request.header("If-Match"))

    def _event(self, row: Row, calendar: Calendar, role: str, params: Json) -> Response:
        return json_response(
            full_resource(row, self.view(calendar, role, params)), headers={"ETag": row.etag}
        )

    # Calendars

    def _calendar_list_list(self, context: Context) -> Response:
        return json_response(self.calendar_list.page(context.person.email, context.call.params))

    def _calendar_list_get(self, context: Context) -> Response:
        return json_response(self.calendar_list.get(context.person.email, context.call.params["calendarId"]))

    def _calendars_get(self, context: Context) -> Response:
        calendar, role = self.people.open(context.person.email, context.call.params["calendarId"])
        if not at_least(role, "reader"):
            raise not_found()
        return json_response(calendar_resource(calendar))

    def _calendars_insert(self, context: Context) -> Response:
        body = context.body
        if set(body) - {"summary", "timeZone"}:
            raise not_implemented(f"the calendar fields {sorted(set(body) - {'summary', 'timeZone'})}")
        if not body.get("summary"):
            raise bad_request("required", "Missing title.", "summary")
        zone = str(times.zone(body.get("timeZone", "UTC")))
        calendar = self.people.create_calendar(
            context.person.email, body["summary"], time_zone=zone, app=context.token.client
        )
        return json_response(calendar_resource(calendar))

    # Events

    def _events_list(self, context: Context) -> Response:
        calendar, role = self._open(context)
        return json_response(
            self.listing.page(self.view(calendar, role, context.call.params), context.call.params)
        )

    def _events_get(self, context: Context) -> Response:
        calendar, role = self._open(context)
        row = self.events.find(calendar, context.call.params["eventId"])
        if context.request.header("If-None-Match") == row.etag:
            return Response(304, b"", {"ETag": row.etag})
        row = self.events.settle_conference(row)
        return self._event(row, calendar, role, context.call.params)

    def _events_instances(self, context: Context) -> Response:
        calendar, role = self._open(context)
        params = context.call.params
        master = self.events.find(calendar, params["eventId"])
        return json_response(self.listing.instances(self.view(calendar, role, params), master, params))

    def _events_insert(self, context: Context) -> Response:
        write = self._write(context)
        row = self.events.insert(write, context.body)
        return self._event(row, write.calendar, write.role, context.call.params)

    def _events_patch(self, context: Context) -> Response:
        write = self._write(context)
        row = self.events.patch(write, context.call.params["eventId"], context.body)
        return self._event(row, write.calendar, write.role, context.call.params)

    def _events_update(self, context: Context) -> Response:
        write = self._write(context)
        row = self.events.update(write, context.call.params["eventId"], context.body)
        return self._event(row, write.calendar, write.role, context.call.params)

    def _events_delete(self, context: Context) -> Response:
        self.events.delete(self._write(context), context.call.params["eventId"])
        return Response(204)

    def _events_move(self, context: Context) -> Response:
        write = self._write(context)
        destination, role = self.people.open(context.person.email, context.call.params["destination"])
        row = self.events.move(write, context.call.params["eventId"], destination, role)
        return self._event(row, destination, role, context.call.params)

    # Channels and free/busy

    def _events_watch(self, context: Context) -> Response:
        calendar, _ = self._open(context)
        extra = sorted(set(context.call.params) - {"calendarId"})
        if extra:
            raise not_implemented(f"the parameters {extra} of events.watch")
        path = f"calendars/{calendar.id}/events"
        return self._watch(context, calendar.id, path)

    def _calendar_list_watch(self, context: Context) -> Response:
        if context.call.params:
            raise not_implemented(f"the parameters {sorted(context.call.params)} of calendarList.watch")
        return self._watch(context, f"list:{context.person.email}", "users/me/calendarList")

    def _watch(self, context: Context, resource: str, path: str) -> Response:
        uri = f"https://www.googleapis.com/calendar/v3/{path}?alt=json"
        who = {"person": context.person.email, "client": context.token.client}
        return json_response(self.channels.watch(context.body, resource=resource, uri=uri, **who))

    def _channels_stop(self, context: Context) -> Response:
        self.channels.stop(context.body, person=context.person.email, client=context.token.client)
        return Response(204)

    def _freebusy_query(self, context: Context) -> Response:
        if "groupExpansionMax" in context.body:
            raise not_implemented("the field groupExpansionMax")
        own_only = context.token.scopes & context.call.method.scopes == {SCOPE + "calendar.freebusy"}
        person = context.person.email
        return json_response(
            freebusy.query(self.listing, self.people, person, context.body, own_only=own_only)
        )


def _id_in(method: Method, request: Request) -> str:
    """The id that a body brings; "" where there is none."""
    try:
        return str(request.json().get("id") or "") if method.request else ""
    except ApiError:
        return ""


def _body(method: Method, request: Request) -> Json:
    if method.request is None:
        if request.body.strip():
            raise bad_request("badRequest", f"{method.id} takes no body.")
        return {}
    content_type = (request.header("Content-Type") or "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise bad_request(
            "badContent", f"Content-Type must be application/json, got {content_type or 'none'}."
        )
    body = request.json()
    discovery.check_body(method.request, body)
    return body if method.request == "Event" else event_rules.without_nulls(body)
