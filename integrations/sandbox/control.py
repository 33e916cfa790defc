"""What a test, or the person behind a demonstration, may do to the sandbox from outside Google's paths.

The HTTP control plane (`control_plane.py`) calls the same methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from integrations.sandbox import discovery, seed, times
from integrations.sandbox.accounts import redirect_address
from integrations.sandbox.channels import Channel, Message
from integrations.sandbox.errors import Json, not_found
from integrations.sandbox.event_view import View, full_resource
from integrations.sandbox.events import Write
from integrations.sandbox.faults import Fault
from integrations.sandbox.guests import Invitation
from integrations.sandbox.journal import LoggedRequest
from integrations.sandbox.listing import Question, Window
from integrations.sandbox.oauth import LONG_NAMES
from integrations.sandbox.people import Calendar, Person
from integrations.sandbox.store import DEFAULT_OPTIONS, LATEST

if TYPE_CHECKING:
    from integrations.sandbox.app import Sandbox

CHANNEL_FAULTS = ("lose", "double", "delay", "forge")
SCOPE = "https://www.googleapis.com/auth/"
DEFAULT_SCOPES = (
    "openid",
    LONG_NAMES["email"],
    SCOPE + "calendar.events",
    SCOPE + "calendar.calendarlist.readonly",
)


@dataclass(frozen=True)
class TokenPair:
    access_token: str
    refresh_token: str
    scopes: tuple[str, ...]
    expires_in: int


class SandboxControl:
    """Every method is one transaction, tells watching channels of what it changed, and raises as the API
    would."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.store = sandbox.store

    # The world

    def reset(self, *, events: bool = True) -> dict[str, str]:
        """Back to the seed: its people and, if wished, their events. Options, faults and logs are cleared.

        The clock stays. Answers with the ids of the secondary calendars by name.
        """
        frozen, offset = self.store.state("clock_frozen"), self.store.state("clock_offset", 0)
        self.clear()
        self.store.set_state("clock_frozen", frozen)
        self.store.set_state("clock_offset", offset)
        return self.seed(events=events)

    def clear(self) -> None:
        """An empty world without people; the clock runs with the real one."""
        self.store.clear()
        api = self.sandbox.api
        api.faults.waiting.clear()
        api.journal.clear()
        api.events.guests.invitations.clear()
        api.forget_rates()
        post = self.sandbox.post
        post.wait()
        post.faults.clear()
        post.held.clear()
        post.sent.clear()

    def seed(self, *, events: bool = True) -> dict[str, str]:
        with self.sandbox.channels.announced():
            ids = seed.seed_people(self)
            if events:
                seed.seed_events(self, ids)
        self.sandbox.api.events.guests.invitations.clear()
        return ids

    def add_person(self, email: str, name: str = "", time_zone: str = "Europe/London") -> Person:
        with self.sandbox.channels.announced():
            return self.sandbox.people.add(email, name, time_zone)

    def add_calendar(self, owner: str, summary: str, time_zone: str = "Europe/London") -> str:
        with self.sandbox.channels.announced():
            return self.sandbox.people.create_calendar(owner, summary, time_zone=time_zone).id

    def share(self, calendar: str, person: str, role: str | None) -> None:
        """None takes the access away. A changed role kills the person's sync tokens of the calendar (S7)."""
        with self.sandbox.channels.announced():
            self.sandbox.people.share(calendar, person, role)

    def hide(self, calendar: str, person: str, *, hidden: bool = True) -> None:
        with self.sandbox.channels.announced():
            entry = self.sandbox.people.entry(person, calendar)
            if entry is None:
                raise not_found()
            self.sandbox.people.save_entry(person, calendar, entry.role, entry.body | {"hidden": hidden})

    # Time, tokens, options

    def now(self) -> datetime:
        with self.store.lock:
            return self.store.now()

    def set_clock(self, moment: datetime, *, frozen: bool = True) -> None:
        with self.store.transaction():
            self.store.set_clock(moment, frozen=frozen)

    def advance_clock(self, duration: timedelta) -> datetime:
        with self.store.transaction():
            self.store.advance_clock(duration)
            return self.store.now()

    def set_options(self, **options: Any) -> Json:
        """token_lifetime (seconds), instance_ids ("stamp", "opaque", or "both": told in the new form and
        found by the old one as well, W3), allow_http_webhooks,
        empty_pages (S1), full_tombstones (S11), batch_conflicts (W12), requests_per_minute (0: no limit).
        Raises ValueError for any other."""
        for name, value in options.items():
            if name not in DEFAULT_OPTIONS or type(value) is not type(DEFAULT_OPTIONS[name]):
                raise ValueError(f"Unknown option or wrong type: {name}={value!r}")
        with self.store.transaction():
            merged: Json = DEFAULT_OPTIONS | self.store.state("options", {}) | options
            self.store.set_state("options", merged)
            return merged

    def expire_sync_tokens(self, calendar: str = "*") -> None:
        """`calendar` is an id, `list:<address>` for a calendar list, or * for all."""
        with self.store.transaction():
            self.sandbox.api.tokens.expire(calendar)

    def issue_tokens(self, person: str, scopes: tuple[str, ...] | list[str] = DEFAULT_SCOPES) -> TokenPair:
        """A grant with both tokens, as if the person had consented. Short scope names are allowed."""
        long = tuple(_long_scope(scope) for scope in scopes)
        with self.store.transaction():
            oauth = self.sandbox.oauth
            if self.sandbox.people.find(person) is None:
                raise not_found()
            oauth.grant(person, frozenset(long))
            access, refresh = (oauth.issue(person, frozenset(long), kind) for kind in ("access", "refresh"))
            return TokenPair(access, refresh, long, oauth.token_lifetime)

    def revoke(self, person: str) -> None:
        """As if the person had removed the app on their account's page."""
        with self.store.transaction():
            self.sandbox.oauth.revoke_person(person)

    def authorize(
        self, url: str, person: str, *, scopes: tuple[str, ...] | None = None, deny: bool = False
    ) -> str:
        """Goes through the consent as `person`, who ticks `scopes` (None: all). The address redirected to."""
        with self.store.transaction():
            request = self.sandbox.oauth.parse_request(parse_qsl(urlsplit(url).query, keep_blank_values=True))
            someone = self.sandbox.people.add(person)
            if deny:
                answer = {"error": "access_denied"}
            else:
                ticked = request.scopes if scopes is None else tuple(_long_scope(each) for each in scopes)
                answer = {"code": self.sandbox.oauth.approve(someone.email, request, frozenset(ticked))}
        return redirect_address(request, answer)

    # Editing as a person, through the API's own verbs

    def insert(self, person: str, calendar: str, body: Json, **params: Any) -> Json:
        """Read-only fields that only Google sets are allowed here: organizer (an invitation from outside),
        locked, and the event type fromGmail."""
        given: Json = {name: body[name] for name in ("organizer", "locked") if name in body}
        if body.get("eventType") == "fromGmail":
            given["eventType"] = "fromGmail"
        sent = {name: value for name, value in body.items() if name not in given}
        discovery.check_body("Event", sent)
        with self.sandbox.channels.announced():
            write = self._write(person, calendar, params)
            return self._told(write, self.sandbox.api.events.insert(write, sent, given=given).id)

    def patch(self, person: str, calendar: str, event_id: str, body: Json, **params: Any) -> Json:
        discovery.check_body("Event", body)
        with self.sandbox.channels.announced():
            write = self._write(person, calendar, params)
            return self._told(write, self.sandbox.api.events.patch(write, event_id, body).id)

    def delete(self, person: str, calendar: str, event_id: str, **params: Any) -> None:
        with self.sandbox.channels.announced():
            self.sandbox.api.events.delete(self._write(person, calendar, params), event_id)

    def restore(self, person: str, calendar: str, event_id: str) -> None:
        """Takes a deleted event out of the bin."""
        with self.sandbox.channels.announced():
            self.sandbox.api.events.restore(self._write(person, calendar, {}), event_id)

    def respond(self, person: str, event_id: str, answer: str, **params: Any) -> Json:
        """A guest's answer: accepted, declined, tentative or needsAction."""
        me = {"email": person, "responseStatus": answer}
        return self.patch(person, person, event_id, {"attendees": [me], "attendeesOmitted": True}, **params)

    def get(self, person: str, calendar: str, event_id: str) -> Json:
        with self.store.lock:
            write = self._write(person, calendar, {})
            row = self.sandbox.api.events.find(write.calendar, event_id)
            return full_resource(row, self._view(write.calendar, write.role))

    def events(self, person: str, calendar: str, low: datetime, high: datetime) -> list[Json]:
        """The living events and instances between two moments, by start."""
        with self.store.lock:
            found, role = self.sandbox.people.open(person, calendar)
            view = self._view(found, role)
            params: Json = {"singleEvents": True}
            question = Question(view, params, None, LATEST, Window(low, high, high))
            rows = [full_resource(row, view) for row in self.sandbox.api.listing.full(question)]
            return sorted(rows, key=lambda row: times.moment(row["start"], view.zone))

    def _write(self, person: str, calendar: str, params: Json) -> Write:
        someone = self.sandbox.people.find(person)
        if someone is None:
            raise not_found()
        found, role = self.sandbox.people.open(person, calendar)
        return Write(someone, found, role, {"sendUpdates": "all", **params})

    def _view(self, calendar: Calendar, role: str) -> View:
        return self.sandbox.api.view(calendar, role, {})

    def _told(self, write: Write, stored_id: str) -> Json:
        row = self.store.event(write.calendar.id, stored_id)
        if row is None:
            raise not_found()
        return full_resource(row, self._view(write.calendar, write.role))

    # Faults and logs

    def add_fault(self, fault: Fault) -> None:
        self.sandbox.api.faults.add(fault)

    def clear_faults(self) -> None:
        self.sandbox.api.faults.waiting.clear()
        self.sandbox.post.faults.clear()

    def add_channel_fault(self, kind: str, count: int = 1) -> None:
        """lose, double, delay (until `release_messages`) or forge the next `count` messages."""
        if kind not in CHANNEL_FAULTS:
            raise ValueError(f"A channel fault is one of {CHANNEL_FAULTS}, not {kind!r}")
        self.sandbox.post.faults += [kind] * count

    def release_messages(self) -> None:
        self.sandbox.post.release()

    def wait_for_messages(self) -> list[tuple[Message, int]]:
        """Returns when no message is under way, with all that were sent and the status each got."""
        self.sandbox.post.wait()
        return list(self.sandbox.post.sent)

    def requests(self, method: str = "") -> list[LoggedRequest]:
        return [each for each in self.sandbox.journal.entries if method in ("", each.method)]

    def clear_requests(self) -> None:
        self.sandbox.journal.clear()

    def invitations(self) -> list[Invitation]:
        return list(self.sandbox.api.events.guests.invitations)

    def clear_invitations(self) -> None:
        self.sandbox.api.events.guests.invitations.clear()

    def channels(self) -> list[Channel]:
        with self.store.lock:
            return self.sandbox.channels.all()

    def people(self) -> list[Person]:
        with self.store.lock:
            return self.sandbox.people.all()


def _long_scope(scope: str) -> str:
    if scope == "openid" or scope.startswith("https://"):
        return scope
    return LONG_NAMES.get(scope, SCOPE + scope)
