"""Many clients at once: one lock, whole answers, no lost change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.integrations.sandbox.conftest import DANA, Google, event, everything


def test_writes_of_many_threads_are_all_told_by_one_sync_token(google: Google, dana: Any) -> None:
    _, token = everything(dana)
    access = google.control.issue_tokens(DANA).access_token

    def write(number: int) -> int:
        path = "/calendar/v3/calendars/primary/events"
        headers = {"authorization": f"Bearer {access}"}
        return google.fetch(path, method="POST", body=event(f"E{number}"), headers=headers)[0].status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {200}
    items, _ = everything(dana, syncToken=token, maxResults=7)
    assert {each["summary"] for each in items} == {f"E{number}" for number in range(40)}
    assert len({each["etag"] for each in items}) == 40
