"""calendarList.list and get: paging and a sync token of their own (S10, L1)."""

from __future__ import annotations

from integrations.sandbox.errors import Json, invalid, not_found, not_implemented
from integrations.sandbox.listing import page_size
from integrations.sandbox.people import Entry, People, at_least, entry_resource
from integrations.sandbox.store import Store
from integrations.sandbox.synctokens import PageToken, SyncTokens, bound

DEFAULT_PAGE, LARGEST_PAGE = 100, 250


class CalendarList:
    def __init__(self, store: Store, people: People, tokens: SyncTokens) -> None:
        self.store = store
        self.people = people
        self.tokens = tokens

    def get(self, person: str, calendar_id: str) -> Json:
        calendar, _ = self.people.open(person, calendar_id)
        entry = self.people.entry(person, calendar.id)
        if entry is None:
            raise not_found()
        return entry_resource(calendar, entry)

    def page(self, person: str, params: Json) -> Json:
        if "showOwnOrganizationOnly" in params:
            raise not_implemented("the parameter showOwnOrganizationOnly")
        size = page_size(params, DEFAULT_PAGE, LARGEST_PAGE)
        place = self._place(person, params)
        entries = [each for each in self.people.entries(person) if self._is_shown(each, place)]
        page = entries[place.offset : place.offset + size]
        answer: Json = {
            "kind": "calendar#calendarList",
            "etag": f'"l{place.snapshot}"',
            "items": [entry_resource(self.people.calendar(each.calendar), each) for each in page],
        }
        if place.offset + size < len(entries):
            answer["nextPageToken"] = self.tokens.seal_page(
                PageToken(**{**vars(place), "offset": place.offset + size})
            )
        else:
            answer["nextSyncToken"] = self.tokens.issue(
                place.collection, "owner", place.start_bound, place.snapshot, place.horizon
            )
        return answer

    def _place(self, person: str, params: Json) -> PageToken:
        collection = f"list:{person}"
        sync = None
        if "syncToken" in params:
            if "minAccessRole" in params:
                raise invalid("Sync token cannot be used with other request restrictions.", "minAccessRole")
            sync = self.tokens.open(params["syncToken"], collection, "owner")
            if bound(params) != {k: v for k, v in sync.bound.items() if k != "minAccessRole"}:
                raise invalid("The parameters differ from those of the full sync.", "syncToken")
        if "pageToken" in params:
            return self.tokens.open_page(params["pageToken"], collection, params)
        return PageToken(
            epoch=self.tokens.epoch,
            collection=collection,
            bound=bound(params),
            since=sync.version if sync else None,
            snapshot=self.store.version,
            horizon="",
            offset=0,
            start_bound=sync.bound if sync else bound(params),
        )

    def _is_shown(self, entry: Entry, place: PageToken) -> bool:
        """An incremental answer always holds deleted and hidden entries (S10)."""
        params = place.start_bound
        calendar = self.people.calendar(entry.calendar)
        version = max(entry.version, calendar.version if calendar else 0)
        if place.since is not None:
            return place.since < version
        if entry.body.get("deleted") and not params.get("showDeleted"):
            return False
        if entry.body.get("hidden") and not params.get("showHidden"):
            return False
        return at_least(entry.role, params.get("minAccessRole", "freeBusyReader")) or bool(
            entry.body.get("deleted")
        )
