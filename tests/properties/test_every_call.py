"""Each story is told again and again, and each time one of its calls to Google goes wrong in one of the ways they do.

In the end nothing may differ from the story in which all went well. `make soak ARGS=--calls`
tells them with every fault at every call.
"""

import json
import random
from collections.abc import Callable, Iterator

import pytest

from integrations.sandbox import Sandbox
from integrations.sandbox.wire import Request, Response
from tests.properties.stories import STORIES, open_world, remains, settle
from tests.properties.world import Place, World, standing_in

pytestmark = pytest.mark.django_db(transaction=True)
Send = Callable[[Request], Response]


def refusal(status: int, reason: str, **headers: str) -> Response:
    error = {"domain": "global", "reason": reason, "message": reason}
    body = {"error": {"errors": [error], "code": status, "message": reason}}
    return Response(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


def dropped_before(request: Request, send: Send) -> Response:
    raise ConnectionResetError


def dropped_after(request: Request, send: Send) -> Response:
    send(request)
    raise ConnectionResetError


def cut_short(request: Request, send: Send) -> Response:
    """The answer ends in the middle although its status says that all is well."""
    answer = send(request)
    return Response(answer.status, answer.body[: len(answer.body) // 2], answer.headers)


def a_proxys_page(request: Request, send: Send) -> Response:
    return Response(502, b"<html><h1>Bad gateway</h1></html>", {"content-type": "text/html"})


def answering(status: int, reason: str, **headers: str) -> Callable[[Request, Send], Response]:
    return lambda request, send: refusal(status, reason, **headers)


FAULTS: dict[str, Callable[[Request, Send], Response]] = {
    "dropped before": dropped_before,
    "dropped after": dropped_after,
    "cut short": cut_short,
    "proxy": a_proxys_page,
    "500": answering(500, "backendError"),
    "503": answering(503, "backendError", **{"retry-after": "120"}),
    "429": answering(429, "rateLimitExceeded"),
    "403 rate": answering(403, "userRateLimitExceeded"),
    "403 quota": answering(403, "quotaExceeded"),
    "401": answering(401, "authError"),
    "409": answering(409, "conflict"),
    "410": answering(410, "fullSyncRequired"),
    "412": answering(412, "conditionNotMet"),
    "404": answering(404, "notFound"),
}


def concerns(fault: str, request: Request) -> bool:
    """Whether Google could answer this request so."""
    is_token = request.path == "/token"
    is_write = request.method in ("POST", "PATCH", "DELETE") and not is_token
    is_list = request.method == "GET" and request.path.endswith("/events")
    is_get = request.method == "GET" and "/events/" in request.path
    return {
        "401": not is_token,
        "409": is_write,
        "410": is_list,
        "412": "if-match" in request.headers,
        "404": is_get,
        "403 rate": not is_token,
        "403 quota": not is_token,
    }.get(fault, True)


class Meddler:
    """Counts the calls; the one at `place` meets `fault`."""

    def __init__(self, fault: str = "", place: int = -1) -> None:
        self.fault, self.place = fault, place
        self.requests: list[Request] = []

    def __call__(self, request: Request, send: Send) -> Response:
        self.requests.append(request)
        # Turning a fresh token down as well would say that the grant is dead.
        is_fresh = len(self.requests) > 1 and self.requests[-2].path == "/token"
        is_it = len(self.requests) - 1 == self.place and not (self.fault == "401" and is_fresh)
        if is_it and concerns(self.fault, request):
            return FAULTS[self.fault](request, send)
        return send(request)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(seed=False)
    yield sandbox
    sandbox.close()


@pytest.fixture
def place(sandbox: Sandbox) -> Iterator[Place]:
    with standing_in(sandbox) as place:
        yield place


def tell(place: Place, story: str, meddler: Meddler, *, chance: int = 0) -> dict[str, list[object]]:
    begin, happen = STORIES[story]
    # The order of the pulls is chance; it is the same chance in each telling.
    random.seed(chance)
    world = World(place)
    open_world(world)
    begin(world)
    place.meddle = meddler
    happen(world)
    settle(world)
    return remains(world)


def a_few(possible: list[int], fault: int, story: int) -> list[int]:
    """For the suite, which has no time for all of them: a sixth of the faults for each story, each at another call."""
    if not possible or (fault + story) % 6:
        return []
    return [possible[(fault + story) % len(possible)]]


@pytest.mark.parametrize("story", STORIES)
def test_story_ends_as_if_nothing_had_gone_wrong(place: Place, story: str) -> None:
    meet_faults(place, story, a_few)


@pytest.mark.soak
@pytest.mark.parametrize("story", STORIES)
def test_story_withstands_every_fault_at_every_call(
    place: Place, story: str, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("--calls", default=False):
        meet_faults(place, story, lambda possible, *rest: possible)


def meet_faults(place: Place, story: str, choose: Callable[[list[int], int, int], list[int]]) -> None:
    counting = Meddler()
    expected = tell(place, story, counting)
    for number, fault in enumerate(FAULTS):
        possible = [at for at, request in enumerate(counting.requests) if concerns(fault, request)]
        for at in choose(possible, number, list(STORIES).index(story)):
            assert tell(place, story, Meddler(fault, at)) == expected, (
                f"{fault} at call {at}: {counting.requests[at].method} {counting.requests[at].path}"
            )
