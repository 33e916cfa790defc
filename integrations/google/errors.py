"""What can go wrong with Google, each error named after what the caller must do next.

`str(error)` is a sentence for the person who owns the account. Nothing here holds a token, a guest or a body.
"""

import datetime


class GoogleError(Exception):
    """Any of the below. Callers catch the ones they know, and this last."""

    # The transport sent the request again, as its connection had closed unanswered: what Google answers may be about
    # the repetition, and the first may have come through.
    was_repeated = False

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


class TryLater(GoogleError):
    """Temporary: the same request may succeed later. `after`: how long Google asked us to wait, or None.

    `is_limit`: the person's limit is reached, so that every other request for them would meet it as well (Q2);
    `is_alone`: it is about this one event, and says nothing of any other (W12).
    """

    def __init__(
        self,
        why: str,
        after: datetime.timedelta | None = None,
        *,
        is_limit: bool = False,
        is_alone: bool = False,
    ) -> None:
        super().__init__(why)
        self.after = after
        self.is_limit = is_limit
        self.is_alone = is_alone


class Reconnect(GoogleError):
    """The grant is dead. The account is paused already; only its owner can mend it."""


class PullInFull(GoogleError):
    """The sync token is dead: drop it and list everything (S7)."""


class Changed(GoogleError):
    """412: the event is no longer the one whose etag we sent. Pull that event and plan again (W4)."""


class Gone(GoogleError):
    """404 or 410 on this very event. 404 is ambiguous: see W14 before anything is cancelled."""


class AlreadyThere(GoogleError):
    """409 on an id of our own: an earlier try came through, or the event was made and deleted since (W2)."""


class Unchanged(GoogleError):
    """304: the event still has the etag that was sent along."""


class Refused(GoogleError):
    """Google will not do this, however often we ask. `reason` is Google's own word, or "scope".

    `lacks_access`: to the calendar or to what was asked of it (403, 404), which its owner can give.
    """

    def __init__(self, why: str, reason: str = "", *, lacks_access: bool = False) -> None:
        super().__init__(why)
        self.reason = reason
        self.lacks_access = lacks_access
