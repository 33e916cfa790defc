"""N1 to N9: push channels."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.integrations.sandbox.conftest import AMIR, DANA, NOW, Google, event, refused

ADDRESS = "https://crm.example.com/hook"


def body(name: str = "channel-1", **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "web_hook", "address": ADDRESS, "token": "secret"} | more


def watch(service: Any, channel: dict[str, Any], calendar: str = "primary") -> Any:
    return service.events().watch(calendarId=calendar, body=channel)


def change(google: Google) -> None:
    google.control.insert(DANA, DANA, event())
    google.control.wait_for_messages()


def test_N1_a_channel_lives_a_week_unless_asked_otherwise(dana: Any) -> None:
    def hours(channel: dict[str, Any]) -> float:
        answer = watch(dana, channel).execute()
        return float((int(answer["expiration"]) / 1000 - NOW.timestamp()) / 3600)

    assert hours(body("default")) == 168
    assert hours(body("short", params={"ttl": "3600"})) == 1
    soon = NOW + timedelta(hours=2)
    assert hours(body("dated", expiration=str(int(soon.timestamp() * 1000)))) == 2
    assert hours(body("long", params={"ttl": "99999999"})) == 30 * 24


def test_N1_a_used_id_is_refused_even_after_its_end(google: Google, dana: Any) -> None:
    made = watch(dana, body()).execute()
    assert refused(watch(dana, body())) == (400, "channelIdNotUnique")
    dana.channels().stop(body={"id": made["id"], "resourceId": made["resourceId"]}).execute()
    assert refused(watch(dana, body())) == (400, "channelIdNotUnique")


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        (body(address="http://crm.example.com/hook"), "push.webhookUrlNotHttps"),
        (body(id="x" * 65), "invalid"),
        (body(token="x" * 257), "invalid"),
        (body(type="carrier_pigeon"), "invalid"),
        ({"id": "c", "type": "web_hook"}, "required"),
    ],
)
def test_N1_a_wrong_channel_is_refused(dana: Any, channel: dict[str, Any], reason: str) -> None:
    assert refused(watch(dana, channel)) == (400, reason)


def test_N2_the_first_message_is_sync_and_number_one(google: Google, dana: Any) -> None:
    watch(dana, body()).execute()
    google.control.wait_for_messages()
    assert google.receiver.headers("X-Goog-Resource-State") == ["sync"]
    assert google.receiver.headers("X-Goog-Message-Number") == ["1"]


def test_N3_every_change_tells_exists_with_rising_numbers(google: Google, dana: Any) -> None:
    answer = watch(dana, body()).execute()
    for _ in range(3):
        change(google)
    dana.events().insert(calendarId="primary", body=event("our own")).execute()
    google.control.wait_for_messages()
    assert google.receiver.headers("X-Goog-Resource-State") == ["sync"] + ["exists"] * 4
    numbers = [int(each) for each in google.receiver.headers("X-Goog-Message-Number")]
    assert numbers == sorted(set(numbers))
    assert any(later - earlier > 1 for earlier, later in pairwise(numbers))
    last = google.receiver.messages[-1]
    assert last.address == ADDRESS
    assert last.headers["X-Goog-Channel-ID"] == "channel-1"
    assert last.headers["X-Goog-Channel-Token"] == "secret"
    assert last.headers["X-Goog-Resource-ID"] == answer["resourceId"]
    assert last.headers["X-Goog-Resource-URI"] == answer["resourceUri"]
    assert last.headers["X-Goog-Channel-Expiration"] == "Mon, 09 Mar 2026 09:00:00 GMT"


def test_N4_a_forged_message_has_neither_the_token_nor_the_resource(google: Google, dana: Any) -> None:
    answer = watch(dana, body()).execute()
    google.control.wait_for_messages()
    google.control.add_channel_fault("forge")
    change(google)
    forged = google.receiver.messages[-1].headers
    assert forged["X-Goog-Channel-Token"] != "secret"
    assert forged["X-Goog-Resource-ID"] != answer["resourceId"]


@pytest.mark.parametrize(("status", "tries"), [(500, 2), (503, 2), (404, 1), (204, 1)])
def test_N5_only_5xx_is_tried_again(google: Google, dana: Any, status: int, tries: int) -> None:
    watch(dana, body()).execute()
    google.control.wait_for_messages()
    google.receiver.messages.clear()
    google.receiver.answers += [status]
    change(google)
    assert len(google.receiver.messages) == tries


def test_N6_messages_may_be_lost_doubled_or_late(google: Google, dana: Any) -> None:
    watch(dana, body()).execute()
    google.control.wait_for_messages()
    google.receiver.messages.clear()
    google.control.add_channel_fault("lose")
    change(google)
    assert len(google.receiver.messages) == 0
    google.control.add_channel_fault("double")
    change(google)
    assert len(google.receiver.messages) == 2
    google.control.add_channel_fault("delay")
    change(google)
    assert len(google.receiver.messages) == 2
    google.control.release_messages()
    google.control.wait_for_messages()
    assert len(google.receiver.messages) == 3


def test_N7_two_channels_overlap_and_an_expired_one_is_silent(google: Google, dana: Any) -> None:
    watch(dana, body("old", params={"ttl": "600"})).execute()
    watch(dana, body("new")).execute()
    google.control.wait_for_messages()
    google.receiver.messages.clear()
    change(google)
    assert sorted(google.receiver.headers("X-Goog-Channel-ID")) == ["new", "old"]
    google.control.advance_clock(timedelta(minutes=11))
    google.receiver.messages.clear()
    change(google)
    assert google.receiver.headers("X-Goog-Channel-ID") == ["new"]


def test_N8_only_its_own_user_stops_a_channel(google: Google, dana: Any) -> None:
    made = watch(dana, body()).execute()
    name = {"id": made["id"], "resourceId": made["resourceId"]}
    assert refused(google.service(AMIR).channels().stop(body=name)) == (404, "notFound")
    assert refused(dana.channels().stop(body=name | {"resourceId": "other"})) == (404, "notFound")
    dana.channels().stop(body=name).execute()
    assert refused(dana.channels().stop(body=name)) == (404, "notFound")
    google.control.wait_for_messages()
    google.receiver.messages.clear()
    change(google)
    assert google.receiver.messages == []


def test_N9_new_access_is_told_by_the_calendar_lists_channel_alone(google: Google, dana: Any) -> None:
    watch(dana, body("events")).execute()
    dana.calendarList().watch(body=body("list")).execute()
    google.control.wait_for_messages()
    google.receiver.messages.clear()
    google.control.share(AMIR, DANA, "reader")
    google.control.wait_for_messages()
    assert google.receiver.headers("X-Goog-Channel-ID") == ["list"]


def test_a_guests_calendar_is_told_of_the_organizers_change(google: Google) -> None:
    watch(google.service(AMIR), body()).execute()
    google.control.wait_for_messages()
    google.receiver.messages.clear()
    google.control.insert(DANA, DANA, event(attendees=[{"email": AMIR}]))
    google.control.wait_for_messages()
    assert google.receiver.headers("X-Goog-Resource-State") == ["exists"]


def test_plain_http_is_allowed_when_the_option_says_so(google: Google, dana: Any) -> None:
    google.control.set_options(allow_http_webhooks=True)
    watch(dana, body(address="http://127.0.0.1:8000/hook")).execute()
    google.control.wait_for_messages()
    assert len(google.receiver.messages) == 1
