"""Late matches: a guest nobody knew when their event was planned is a contact by now.

Two lists are compared, guests nobody knew and the contacts' addresses, and either may grow. Whichever row of a pair is
committed last is news to the first sweep after it, and the other is there by then, so that comparing what is news with
all of the other list misses nobody, and costs nothing while there is no news.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from calendars.models import GoogleEvent, GoogleEventGuest
from calendars.sync.facts import APPOINTMENT, BLOCK, FREE
from calendars.sync.gather import Situation
from contacts.models import ContactEmail

# Free or unanswered events take no time, and become appointments all the same; one that is joins who was left out.
MAY_MATCH = (BLOCK, FREE, APPOINTMENT)
# Compared in one transaction.
AT_ONCE = 500


def late_matches() -> int:
    """Mark upcoming events of which a guest who has no appointment is a contact by now; how many.

    Two statements when there is no news.
    """
    marked = 0
    while ContactEmail.objects.filter(is_news=True).exists():
        marked += _look_for_new_addresses()
    while GoogleEventGuest.objects.filter(is_new=True).exists():
        marked += _look_for_new_guests()
    return marked


@transaction.atomic
def _look_for_new_addresses() -> int:
    # Locked, so that an address that changes meanwhile stays news.
    news = ContactEmail.objects.select_for_update().filter(is_news=True).order_by("pk")
    found = dict(news.values_list("pk", "address")[:AT_ONCE])
    marked = _mark(
        GoogleEventGuest.objects.filter(address__in=set(found.values())).values_list("event", flat=True)
    )
    ContactEmail.objects.filter(pk__in=found).update(looked_for=F("address"))
    return marked


@transaction.atomic
def _look_for_new_guests() -> int:
    news = GoogleEventGuest.objects.select_for_update().filter(is_new=True).order_by("pk")
    found = list(news.values_list("pk", "event", "address")[:AT_ONCE])
    addresses = {address for _, _, address in found}
    known = set(ContactEmail.objects.filter(address__in=addresses).values_list("address", flat=True))
    marked = _mark(event for _, event, address in found if address in known)
    GoogleEventGuest.objects.filter(pk__in=[pk for pk, _, _ in found]).update(is_new=False)
    return marked


def _mark(events: Iterable[int]) -> int:
    pks = set(events)
    if not pks:
        return 0
    return GoogleEvent.objects.filter(pk__in=pks, replan="").update(replan=GoogleEvent.Replan.CONTACT)


def remember_unmatched(situations: Sequence[Situation], now: datetime) -> None:
    """Keep the guests nobody knows, and who have no appointment, on those of the upcoming events planned just now."""
    GoogleEventGuest.objects.filter(event__in=[situation.row for situation in situations]).delete()
    GoogleEventGuest.objects.bulk_create(
        GoogleEventGuest(event=situation.row, address=guest.address)
        for situation in situations
        if situation.row.outcome in MAY_MATCH and situation.row.ends_at and situation.row.ends_at > now
        for guest in situation.facts.guests
        if guest.contact is None and not (situation.row.appointment_id and situation.facts.admits(guest))
    )
