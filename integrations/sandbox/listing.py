"""Which events a listing answers with, page by page: full, incremental, instances (S1 to S12, L1 to L6,
R1)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.sandbox import recurrence, times
from integrations.sandbox.discovery import parse_moment
from integrations.sandbox.errors import ApiError, Json, bad_request, invalid, not_implemented
from integrations.sandbox.event_view import View, resource
from integrations.sandbox.events import instance
from integrations.sandbox.store import Row, Store
from integrations.sandbox.synctokens import NO_TOKEN_AFTER, PageToken, SyncTokens, bound

DEFAULT_PAGE, LARGEST_PAGE = 250, 2500
UPDATED_MIN_LIMIT = timedelta(days=28)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """L2: an event is inside when it ends after `low` and starts before `high`; None is no bound."""

    low: datetime | None
    high: datetime | None
    horizon: datetime

    def holds(self, row: Row, view: View) -> bool:
        start, end = (
            times.moment(row.body[name], times.zone(view.calendar.time_zone)) for name in ("start", "end")
        )
        return (self.low is None or end > self.low) and (self.high is None or start < self.high)


@dataclass(frozen=True)
class Question:
    """One listing's question, the same for all of its pages."""

    view: View
    params: Json
    since: int | None
    snapshot: int
    window: Window

    @property
    def is_single(self) -> bool:
        """L6: whoever sees only free and busy gets instances, asked or not."""
        return bool(self.params.get("singleEvents")) or self.view.role == "freeBusyReader"


class Listing:
    def __init__(self, store: Store, tokens: SyncTokens) -> None:
        self.store = store
        self.tokens = tokens
        # Pages of one listing read one frozen snapshot, so its rows need computing once.
        self._recent: OrderedDict[str, list[Row]] = OrderedDict()

    # events.list

    def page(self, view: View, params: Json) -> Json:
        size = page_size(params, DEFAULT_PAGE, LARGEST_PAGE)
        check_list_parameters(params, self.store.now())
        place = self._place(view, params)
        question = self._question(view, place)
        key = repr(
            (
                place.epoch,
                place.collection,
                view.role,
                place.start_bound,
                place.since,
                place.snapshot,
                place.horizon,
            )
        )
        rows = self._rows(key, question)
        answer = self._envelope(view, place.snapshot)
        last = self._fill(answer, rows, place, size, view)
        if last and not NO_TOKEN_AFTER & set(place.start_bound):
            answer["nextSyncToken"] = self.tokens.issue(
                place.collection, view.role, place.start_bound, place.snapshot, place.horizon
            )
        return answer

    def _place(self, view: View, params: Json) -> PageToken:
        collection = view.calendar.id
        sync = None
        if "syncToken" in params:
            sync = self.tokens.open(params["syncToken"], collection, view.role)
            self.tokens.check_parameters(sync, params)
        if "pageToken" in params:
            return self.tokens.open_page(params["pageToken"], collection, params)
        horizon = sync.horizon if sync else (self.store.now() + recurrence.HORIZON).isoformat()
        since = sync.version if sync else None
        return PageToken(
            epoch=self.tokens.epoch,
            collection=collection,
            bound=bound(params),
            since=since,
            snapshot=self.store.version,
            horizon=horizon,
            offset=0,
            start_bound=sync.bound if sync else bound(params),
        )

    def _question(self, view: View, place: PageToken) -> Question:
        params = place.start_bound
        low, high = (
            parse_moment(params[name], name) if name in params else None for name in ("timeMin", "timeMax")
        )
        window = Window(low, high, datetime.fromisoformat(place.horizon))
        return Question(view, params, place.since, place.snapshot, window)

    def _rows(self, key: str, question: Question) -> list[Row]:
        if key not in self._recent:
            found = self.full(question) if question.since is None else self._incremental(question)
            self._recent[key] = _ordered(list(found), question)
            while len(self._recent) > 4:
                self._recent.popitem(last=False)
        return self._recent[key]

    def _fill(self, answer: Json, rows: list[Row], place: PageToken, size: int, view: View) -> bool:
        """Puts one page into the answer; true when it was the last (S1)."""
        if self.store.option("empty_pages") and place.offset == 0:
            following = -1
            page: list[Row] = []
        else:
            begin = max(place.offset, 0)
            page = rows[begin : begin + size]
            following = begin + size
        answer["items"] = [resource(row, view) for row in page]
        if 0 <= following >= len(rows):
            return True
        answer["nextPageToken"] = self.tokens.seal_page(_moved(place, following))
        return False

    def _envelope(self, view: View, snapshot: int) -> Json:
        return {
            "kind": "calendar#events",
            "etag": f'"p{snapshot}"',
            "summary": view.calendar.summary,
            "updated": times.milliseconds(self.store.now()),
            "timeZone": str(view.zone),
            "accessRole": view.role,
            "defaultReminders": [],
        }

    # Full

    def full(self, question: Question) -> Iterator[Row]:
        rows = {row.id: row for row in self.store.events(question.view.calendar.id, question.snapshot)}
        for row in self._single(question, rows) if question.is_single else self._plain(question, rows):
            if matches(row, question.params, self.store.now()):
                yield row

    def _plain(self, question: Question, rows: dict[str, Row]) -> Iterator[Row]:
        shows_deleted = _shows_deleted(question.params)
        by_series = _by_series(rows)
        for row in rows.values():
            master = rows.get(row.series or "")
            if master is not None and master.is_cancelled:
                continue
            kept = row.is_cancelled and master is not None  # S12
            if (not row.is_cancelled or shows_deleted or kept) and self._touches(question, row, by_series):
                yield row

    def _touches(self, question: Question, row: Row, by_series: dict[str, list[Row]]) -> bool:
        window = question.window
        if window.low is None and window.high is None:
            return True
        if not row.is_series:
            return window.holds(row, question.view)
        return bool(occurrences(row, by_series.get(row.id, []), question))

    def _single(self, question: Question, rows: dict[str, Row]) -> Iterator[Row]:
        shows_deleted = _shows_deleted(question.params)
        by_series = _by_series(rows)
        for row in rows.values():
            master = rows.get(row.series or "")
            if row.is_series:
                if not row.is_cancelled:
                    yield from occurrences(row, by_series.get(row.id, []), question).values()
            elif row.is_cancelled:
                if (
                    shows_deleted
                    and not (master and master.is_cancelled)
                    and question.window.holds(row, question.view)
                ):
                    yield row
            elif (row.series is None or master is None) and question.window.holds(row, question.view):
                yield row

    # Incremental: everything that changed, whatever the window (S6)

    def _incremental(self, question: Question) -> Iterator[Row]:
        calendar = question.view.calendar.id
        changed = {
            row.id: row for row in self.store.changed(calendar, question.since or 0, question.snapshot)
        }
        for series in dict.fromkeys(row.series or row.id for row in changed.values()):
            family = [row for row in changed.values() if (row.series or row.id) == series]
            found = (
                self._family(question, series, family)
                if question.is_single
                else self._alive(question, family)
            )
            yield from (row for row in found if _has_type(row, question.params))

    def _alive(self, question: Question, family: list[Row]) -> Iterator[Row]:
        for row in family:
            master = self.store.event(row.calendar, row.series, question.snapshot) if row.series else None
            if master is None or (master.is_series and not master.is_cancelled):
                yield row

    def _family(self, question: Question, series: str, changed: list[Row]) -> Iterator[Row]:
        """A series and its exceptions: when the master changed, all its instances in the token's own
        window."""
        master = next((row for row in changed if row.id == series), None)
        if master is None:
            yield from self._alive(question, changed)
            return
        calendar, since = master.calendar, question.since or 0
        before = self.store.event(calendar, series, since)
        was_series = before is not None and before.is_series
        if not was_series and not master.is_series:
            yield from changed
            return
        old = self._instances(question, before, since)
        new = self._instances(question, master, question.snapshot)
        yield from new.values()
        yield from (_vanished(row, master) for name, row in old.items() if name not in new)
        told = set(old) | set(new)
        if master.is_series and not master.is_cancelled:
            yield from (row for row in changed if row.id not in told and row.series is not None)
        if not master.is_series or (before is not None and not was_series and not before.is_cancelled):
            yield master if not master.is_series else _vanished(master, master)

    def _instances(self, question: Question, master: Row | None, version: int) -> dict[str, Row]:
        if master is None or master.is_cancelled or not master.is_series:
            return {}
        return occurrences(master, self.store.exceptions(master.calendar, master.id, version), question)

    # events.instances

    def instances(self, view: View, master: Row, params: Json) -> Json:
        size = page_size(params, DEFAULT_PAGE, LARGEST_PAGE)
        check_range(params)
        place = self._instances_place(view, master, params)
        question = self._question(view, place)
        current = self.store.event(master.calendar, master.id, place.snapshot)
        rows = list(self._instances(question, current, place.snapshot).values())
        if params.get("showDeleted"):
            exceptions = self.store.exceptions(master.calendar, master.id, place.snapshot)
            rows += [each for each in exceptions if each.is_cancelled and question.window.holds(each, view)]
        if "originalStart" in params:
            wanted = parse_moment(params["originalStart"], "originalStart")
            zone = times.zone(view.calendar.time_zone)
            rows = [row for row in rows if times.moment(row.body["originalStartTime"], zone) == wanted]
        answer = self._envelope(view, place.snapshot)
        self._fill(answer, _ordered(rows, question), place, size, view)
        return answer

    def _instances_place(self, view: View, master: Row, params: Json) -> PageToken:
        collection = f"{view.calendar.id} {master.id}"
        if "pageToken" in params:
            return self.tokens.open_page(params["pageToken"], collection, params)
        horizon = (self.store.now() + recurrence.HORIZON).isoformat()
        fixed = bound(params)
        return PageToken(self.tokens.epoch, collection, fixed, None, self.store.version, horizon, 0, fixed)


def occurrences(master: Row, exceptions: list[Row], question: Question) -> dict[str, Row]:
    """The living instances inside the window, by stored id; an exception stands where it was moved to."""
    window, view = question.window, question.view
    taken = {each.id for each in exceptions}
    found: dict[str, Row] = {}
    low, high = _wall_bounds(master, window)
    for original in recurrence.starts(master.body, low, high):
        row = instance(master, original)
        if row.id not in taken and window.holds(row, view):
            found[row.id] = row
    for each in exceptions:
        if not each.is_cancelled and window.holds(each, view):
            found[each.id] = each
    return found


def _wall_bounds(master: Row, window: Window) -> tuple[datetime, datetime]:
    """Generous bounds in the series' own wall time; `Window.holds` then decides exactly."""
    start, end = times.wall(master.body["start"]), times.wall(master.body["end"])
    margin = max(end - start, timedelta()) + timedelta(days=2)
    furthest = window.horizon + recurrence.FURTHEST
    high = min(window.high or window.horizon, furthest).astimezone(UTC).replace(tzinfo=None) + margin
    if window.low is None or window.low < EARLIEST:
        return start, high
    return max(window.low.astimezone(UTC).replace(tzinfo=None) - margin, start), high


def _by_series(rows: dict[str, Row]) -> dict[str, list[Row]]:
    """The exceptions of each series."""
    found: dict[str, list[Row]] = {}
    for row in rows.values():
        if row.series is not None:
            found.setdefault(row.series, []).append(row)
    return found


def _vanished(row: Row, master: Row) -> Row:
    return Row(row.calendar, row.id, master.version, row.series, row.body | {"status": "cancelled"})


def _moved(place: PageToken, offset: int) -> PageToken:
    return PageToken(**{**vars(place), "offset": offset})


def _ordered(rows: list[Row], question: Question) -> list[Row]:
    """L3: without orderBy the order is stable and means nothing; exceptions may come before their series."""
    order = question.params.get("orderBy")
    zone = times.zone(question.view.calendar.time_zone)
    if order == "startTime":
        return sorted(rows, key=lambda row: (times.moment(row.body["start"], zone), row.id))
    if order == "updated":
        return sorted(rows, key=lambda row: (row.body["updated"], row.id))
    return sorted(rows, key=lambda row: row.id[::-1])


def page_size(params: Json, default: int, largest: int) -> int:
    """L1; Google cuts a larger wish silently, the sandbox says so."""
    size = int(params.get("maxResults", default))
    if size > largest:
        raise invalid(f"maxResults is at most {largest}.", "maxResults")
    return size


def check_range(params: Json) -> None:
    if "timeMin" in params and "timeMax" in params:
        low, high = (parse_moment(params[name], name) for name in ("timeMin", "timeMax"))
        if high <= low:
            raise bad_request("timeRangeEmpty", "The specified time range is empty.", "timeMax")


def check_list_parameters(params: Json, now: datetime) -> None:
    for name in ("alwaysIncludeEmail", "showHiddenInvitations"):
        if params.get(name):
            raise not_implemented(f"the parameter {name}=true")
    check_range(params)
    if params.get("orderBy") == "startTime" and not params.get("singleEvents"):
        raise bad_request("badRequest", "orderBy=startTime needs singleEvents=true (L3).", "orderBy")
    for name in ("privateExtendedProperty", "sharedExtendedProperty"):
        for each in params.get(name, []):
            if "=" not in each:
                raise invalid(f"Invalid {name}: {each}", name)
    if "updatedMin" in params and parse_moment(params["updatedMin"], "updatedMin") < now - UPDATED_MIN_LIMIT:
        message = "The requested minimum modification time lies too far in the past."
        raise ApiError(410, "updatedMinTooLongAgo", message, domain="calendar", location="updatedMin")


def _shows_deleted(params: Json) -> bool:
    return bool(params.get("showDeleted") or "updatedMin" in params)


def _has_type(row: Row, params: Json) -> bool:
    wanted: list[str] = params.get("eventTypes", [])
    return not wanted or row.body.get("eventType", "default") in wanted


def matches(row: Row, params: Json, now: datetime) -> bool:
    """The filters of a full list. Repeated properties must all match (L5, as the reference says)."""
    if not _has_type(row, params) or ("iCalUID" in params and row.body["iCalUID"] != params["iCalUID"]):
        return False
    if "updatedMin" in params:
        changed_at = datetime.fromisoformat(row.body["updated"])
        if changed_at < parse_moment(params["updatedMin"], "updatedMin"):
            return False
    extended = row.body.get("extendedProperties", {})
    for kind in ("private", "shared"):
        pairs = {f"{key}={value}" for key, value in extended.get(kind, {}).items()}
        if not set(params.get(f"{kind}ExtendedProperty", [])) <= pairs:
            return False
    return _mentions(row.body, str(params.get("q", "")))


def _mentions(body: Json, words: str) -> bool:
    people: Iterable[Any] = [*body.get("attendees", []), body["organizer"]]
    texts = [body.get(name, "") for name in ("summary", "description", "location")]
    texts += [each.get(name, "") for each in people for name in ("email", "displayName")]
    text = "\n".join(texts).lower()
    return all(word in text for word in words.lower().split())
