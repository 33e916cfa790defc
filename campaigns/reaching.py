"""Whether a person may and can be reached by a medium, and the words why not. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """What a person wishes, and what we have of them; by default they are reached by everything.

    `is_address_dead`, `is_number_dead`: there is one, and whoever carries messages says that each leads nowhere.
    """

    no_email: bool = False
    no_sms: bool = False
    has_address: bool = True
    has_number: bool = True
    is_address_dead: bool = False
    is_number_dead: bool = False


def why_unreachable(medium: str, reach: Reach) -> str:
    """Why nothing leaves to them by `medium` ("email", "sms"); "" when it does."""
    if medium == "email":
        if reach.no_email:
            return "The contact is not to be e-mailed."
        if reach.is_address_dead:
            return "The contact’s e-mail address is marked as undeliverable."
        return "" if reach.has_address else "The contact has no e-mail address."
    if reach.no_sms:
        return "The contact is not to be texted."
    if reach.is_number_dead:
        return "The contact’s phone number is marked as undeliverable."
    return "" if reach.has_number else "The contact has no phone number."


def why_by_none(mediums: Iterable[str], reach: Reach) -> str:
    """Why none of `mediums` reaches them; "" when one does, or there is none to try."""
    reasons = [why_unreachable(medium, reach) for medium in mediums]
    return " ".join(reasons) if reasons and all(reasons) else ""
