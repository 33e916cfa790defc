"""Sync tokens and page tokens: what each is bound to, and when it is dead (S1 to S7, S10)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from integrations.sandbox.errors import Json, full_sync_required, invalid
from integrations.sandbox.signing import seal, unseal
from integrations.sandbox.store import Store

LIFETIME = timedelta(days=28)
NOT_WITH_SYNC_TOKEN = frozenset(
    {
        "iCalUID",
        "orderBy",
        "privateExtendedProperty",
        "sharedExtendedProperty",
        "q",
        "timeMin",
        "timeMax",
        "updatedMin",
    }
)
# A list made with one of these gives no sync token: an incremental answer could not keep its promise (S4,
# S5).
NO_TOKEN_AFTER = NOT_WITH_SYNC_TOKEN - {"timeMin", "timeMax"}
UNBOUND = frozenset({"pageToken", "syncToken", "maxResults", "timeZone", "calendarId", "eventId"})


@dataclass(frozen=True)
class SyncToken:
    """The collection as it was at `version`. `bound` are the parameters of the full sync it began with."""

    epoch: str
    collection: str
    role: str
    bound: Json
    version: int
    horizon: str
    issued_at: str


@dataclass(frozen=True)
class PageToken:
    """A place within one listing. `snapshot` is the version being listed, `since` the sync token's (S2)."""

    epoch: str
    collection: str
    bound: Json
    since: int | None
    snapshot: int
    horizon: str
    offset: int
    start_bound: Json


def bound(params: Json) -> Json:
    """What must stay the same from call to call; an explicit false is the same as nothing."""
    return {name: value for name, value in params.items() if name not in UNBOUND and value is not False}


class SyncTokens:
    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def epoch(self) -> str:
        return str(self.store.state("epoch", ""))

    def expire(self, collection: str = "*") -> None:
        """Every token given out so far for this collection is dead; `*` means all."""
        floors: Json = self.store.state("sync_floors", {})
        self.store.set_state("sync_floors", floors | {collection: self.store.next_version()})

    def issue(self, collection: str, role: str, params: Json, version: int, horizon: str) -> str:
        now = self.store.now().isoformat()
        token = SyncToken(self.epoch, collection, role, params, version, horizon, now)
        return seal(self.store, "sync", asdict(token))

    def open(self, text: str, collection: str, role: str) -> SyncToken:
        """Raises 400 for what is no token of this collection, 410 fullSyncRequired for a dead one (S7)."""
        value = unseal(self.store, "sync", text)
        if value is None:
            raise invalid("Invalid sync token value.", "syncToken")
        token = SyncToken(**value)
        if token.epoch != self.epoch:
            raise full_sync_required()
        if token.collection != collection:
            raise invalid("The sync token belongs to another collection (S10).", "syncToken")
        if token.role != role or self._is_too_old(token):
            raise full_sync_required()
        return token

    def _is_too_old(self, token: SyncToken) -> bool:
        floors: Json = self.store.state("sync_floors", {})
        floor = max(floors.get("*", 0), floors.get(token.collection, 0))
        aged = datetime.fromisoformat(token.issued_at) + LIFETIME < self.store.now()
        return token.version < floor or aged

    def check_parameters(self, token: SyncToken, params: Json) -> None:
        """Raises 400 when the parameters are not those of the full sync (S3, S4)."""
        if NOT_WITH_SYNC_TOKEN & set(params):
            raise invalid("Sync token cannot be used with other request restrictions.", "syncToken")
        if params.get("showDeleted") is False:
            raise invalid("showDeleted=false is not allowed with a sync token.", "showDeleted")
        expected = {name: value for name, value in token.bound.items() if name not in ("timeMin", "timeMax")}
        if bound(params) != expected:
            differing = (
                sorted(set(bound(params).items() ^ expected.items())) if _is_flat(expected, params) else []
            )
            raise invalid(f"The parameters differ from those of the full sync: {differing}", "syncToken")

    def seal_page(self, token: PageToken) -> str:
        return seal(self.store, "page", asdict(token))

    def open_page(self, text: str, collection: str, params: Json) -> PageToken:
        value = unseal(self.store, "page", text)
        if value is None:
            raise invalid("Invalid page token value.", "pageToken")
        token = PageToken(**value)
        if token.epoch != self.epoch or token.collection != collection:
            raise invalid("Invalid page token value.", "pageToken")
        if token.bound != bound(params) or (token.since is not None) != ("syncToken" in params):
            raise invalid(
                "A page token is good only with the parameters of its first page (S3).", "pageToken"
            )
        return token


def _is_flat(*values: Json) -> bool:
    return not any(isinstance(each, list) for value in values for each in value.values())
