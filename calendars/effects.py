"""What a policy does, in words and chips, for the person who is about to choose it. Pure."""

from dataclasses import dataclass

from calendars.sync.policy import (
    CREATION_OFF,
    DISABLE_TRIGGER,
    NAMES,
    NO_DEFAULT,
    ONE_WAY,
    SMART,
    TRIGGER_OFF,
    TWO_WAY,
    Policy,
    effective,
)

BLOCK, APPOINTMENT, OUTLINE = "block", "appointment", "outline"

TEXTS = {
    ONE_WAY: "The CRM writes to Google. What is in Google only blocks time; no appointment made here is changed.",
    TWO_WAY: "Guests in Google become contacts with appointments, and reminders run as for any booking.",
    SMART: "Only people you already know become appointments. Everyone else just blocks time.",
    DISABLE_TRIGGER: "Like two way, but silent: contacts and appointments appear and no reminder is started.",
}


@dataclass(frozen=True, slots=True)
class Toggles:
    """The rest of what decides: whether a default calendar is chosen, and both switches."""

    has_default: bool = False
    creation: bool = False
    trigger: bool = False
    is_unassigned: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One sync option as the person sees it: what it is for, and what it comes to as the toggles stand."""

    option: str
    title: str
    text: str
    effect: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one kind of event. `chip` is how the agenda draws it; a silent one carries the muted bell."""

    who: str
    title: str
    chip: str
    what: str
    is_silent: bool = False


def policy_for(option: str, toggles: Toggles) -> Policy:
    """The policy of `option` under `toggles`; creation without a default calendar counts as off (forms refuse it)."""
    return effective(
        option,
        has_default=toggles.has_default,
        creation=toggles.creation and toggles.has_default,
        trigger=toggles.trigger,
        is_unassigned=toggles.is_unassigned,
    )


def cards(toggles: Toggles) -> list[Card]:
    """The four options in order, each with its effect under `toggles`."""
    return [Card(name, NAMES[name], TEXTS[name], sentence(policy_for(name, toggles))) for name in NAMES]


def sentence(policy: Policy) -> str:
    """What the policy comes to. Begins with what is missing when a switch holds the option back."""
    off = _switched_off(policy)
    if not policy.match:
        return _because(off, "events only block time.")
    bells = "triggers fire" if policy.fire else "nothing fires"
    if policy.create:
        return _because(off, f"known and new guests get an appointment and {bells}.")
    return _because(off, f"known guests get an appointment and {bells}; others block time.")


def effects(policy: Policy) -> list[Effect]:
    """The three kinds of event under `policy`: a known contact, an unknown guest, nobody."""
    bells = "Triggers fire." if policy.fire else "Nothing fires."
    return [
        Effect(
            "a contact you know",
            "Ada, a client",
            APPOINTMENT if policy.match else BLOCK,
            f"An appointment for the contact. {bells}" if policy.match else "Blocks time, nothing more.",
            is_silent=policy.match and not policy.fire,
        ),
        Effect(
            "someone you do not know",
            "Someone new",
            APPOINTMENT if policy.create else BLOCK,
            f"A new contact and an appointment. {bells}" if policy.create else "Blocks time, nothing more.",
            is_silent=policy.create and not policy.fire,
        ),
        Effect(
            "no guest",
            "Lunch",
            OUTLINE if policy.outlines else BLOCK,
            "Blocks time, outlined in the calendar's colour."
            if policy.outlines
            else "Blocks time, nothing more.",
        ),
    ]


def _switched_off(policy: Policy) -> str:
    """What of the configuration holds the option back, each switch that does; "" when nothing does."""
    causes = (policy.why_no_match, policy.why_no_creation, policy.why_silent)
    if NO_DEFAULT in causes:
        return "No default calendar"
    if CREATION_OFF in causes and TRIGGER_OFF in causes:
        return "Allow Contact Creation and Allow Trigger are off"
    return next((switch for switch in (CREATION_OFF, TRIGGER_OFF) if switch in causes), "")


def _because(cause: str, rest: str) -> str:
    return f"{cause}: {rest}" if cause else rest[0].upper() + rest[1:]
