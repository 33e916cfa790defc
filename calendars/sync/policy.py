"""The sync policy: option × toggles → what may happen to an event that comes from Google.

The table is in the README. Pure: no clock, no database, no Django.
"""

from dataclasses import dataclass, replace

ONE_WAY, TWO_WAY, SMART, DISABLE_TRIGGER = "one_way", "two_way", "smart", "disable_trigger"
NO_DEFAULT = "no default calendar is chosen"
CREATION_OFF, TRIGGER_OFF = "Allow Contact Creation is off", "Allow Trigger is off"


@dataclass(frozen=True, slots=True)
class Policy:
    """What may happen: attach known contacts, create unknown ones, fire triggers, follow edits made in Google."""

    match: bool
    create: bool
    fire: bool
    edits: bool
    option: str = ONE_WAY
    # Two way and disable trigger draw an event without guests as an outline in the calendar's colour.
    outlines: bool = False
    # Why each of the first three is withheld; "" where it is given. The option speaks first: no switch would change it.
    why_no_match: str = ""
    why_no_creation: str = ""
    why_silent: str = ""


KNOWN_ONLY = "only known contacts become appointments"
OPTIONS = {
    ONE_WAY: Policy(
        match=False,
        create=False,
        fire=False,
        edits=False,
        option=ONE_WAY,
        why_no_match="events from Google make no appointments",
        why_no_creation="events from Google make no contacts",
        why_silent="One way fires no triggers",
    ),
    TWO_WAY: Policy(match=True, create=True, fire=True, edits=True, option=TWO_WAY, outlines=True),
    SMART: Policy(match=True, create=False, fire=True, edits=True, option=SMART, why_no_creation=KNOWN_ONLY),
    DISABLE_TRIGGER: Policy(
        match=True,
        create=True,
        fire=False,
        edits=True,
        option=DISABLE_TRIGGER,
        outlines=True,
        why_silent="Disable trigger fires no triggers",
    ),
}
NAMES = {ONE_WAY: "One way", TWO_WAY: "Two way", SMART: "Smart", DISABLE_TRIGGER: "Disable trigger"}


class CreationNeedsCalendar(ValueError):
    """Allow Contact Creation without a default calendar: the form refuses it."""


def for_unassigned(option: str) -> Policy:
    """The policy of an unassigned calendar's own link: the option is the whole of it."""
    return OPTIONS[option]


def for_user(option: str, *, has_default: bool, creation: bool, trigger: bool) -> Policy:
    """The policy of a user's configuration: option and toggles combined, the most restrictive wins.

    Raises CreationNeedsCalendar for creation without a default calendar.
    """
    if creation and not has_default:
        raise CreationNeedsCalendar("Choose a default calendar first: new contacts need one to be filed on.")
    allowed = OPTIONS[option]
    no_default = "" if has_default else NO_DEFAULT
    return replace(
        allowed,
        match=allowed.match and has_default,
        create=allowed.create and has_default and creation,
        fire=allowed.fire and has_default and trigger,
        outlines=allowed.outlines and has_default,
        why_no_match=allowed.why_no_match or no_default,
        why_no_creation=allowed.why_no_creation or no_default or ("" if creation else CREATION_OFF),
        why_silent=allowed.why_silent or no_default or ("" if trigger else TRIGGER_OFF),
    )


def effective(
    option: str, *, has_default: bool, creation: bool, trigger: bool, is_unassigned: bool = False
) -> Policy:
    """Either of the two above, chosen by `is_unassigned`."""
    if is_unassigned:
        return for_unassigned(option)
    return for_user(option, has_default=has_default, creation=creation, trigger=trigger)
