"""Finding contacts by what a person types: a name, a company, an address or a part of a phone number."""

import re

from django.db.models import Q

from contacts.models import ContactEmail, ContactPhone
from contacts.models.people import ContactQuerySet

MOST_WORDS = 5
FEWEST_DIGITS = 4
NUMBER = re.compile(r"^\+?[\d\s().\-/]+$")


def matching(contacts: ContactQuerySet, text: str) -> ContactQuerySet:
    """Those of `contacts` in which every word of `text` is found; all of them when it is blank.

    Digits alone (four or more) are looked for in phone numbers. Addresses and numbers are subqueries, not
    joins: a join multiplies rows and would need DISTINCT over the whole table before the first page.
    """
    digits = number_part(text)
    if digits:
        return contacts.filter(pk__in=ContactPhone.objects.filter(number__contains=digits).values("contact"))
    for word in text.split()[:MOST_WORDS]:
        contacts = contacts.filter(
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(company__icontains=word)
            | Q(pk__in=ContactEmail.objects.filter(address__contains=word.lower()).values("contact"))
        )
    return contacts


def number_part(text: str) -> str:
    """The digits of `text` as they stand inside an E.164 number, or "" if it is no part of a number.

    Numbers are stored as +447700900123; people type 07700 900123 or 0044 7700 900123.
    """
    if not NUMBER.match(text.strip()):
        return ""
    digits = re.sub(r"\D", "", text).lstrip("0")
    return digits if len(digits) >= FEWEST_DIGITS else ""
