"""Links for texts that are only tried: they look like the real ones and do nothing."""

from django.conf import settings
from django.urls import reverse

from campaigns.rendering import Fields

# Which link of a text, and what it does in a real message.
DOES = {
    "confirm": "people confirm that they are coming",
    "reschedule": "people move their appointment to another time",
    "cancel": "people cancel their appointment",
    "manage": "people see their appointment",
    "unsubscribe": "people stop these messages",
    "review": "people come to the page where they review you",
}
LINKS = {("appointment", f"{what}_url"): what for what in ("confirm", "reschedule", "cancel", "manage")}
LINKS |= {("contact", "unsubscribe_url"): "unsubscribe"}


def address(what: str) -> str:
    base = settings.PUBLIC_BASE_URL or f"http://127.0.0.1:{settings.PORT}"
    return base + reverse("campaigns:trial", args=[what])


def inert(fields: Fields, review_url: str) -> Fields:
    """`fields` with every link that acts replaced by one that does not. What cannot be done still has none.

    Without a `review_url` a text that asks for a review can be tried all the same: it leads to the test page.
    """
    tried = Fields({space: dict(values) for space, values in fields.items()})
    for (space, field), what in LINKS.items():
        if tried[space].get(field):
            tried[space][field] = address(what)
    tried["campaign"] = {"review_url": review_url or address("review")}
    return tried
