"""What Settings → Integrations says of an account in large type: the worst thing that is true."""

from dataclasses import dataclass

from django.utils import timezone

from integrations.cards import AccountCard


@dataclass(frozen=True, slots=True)
class Headline:
    """`is_lag`: it says how far behind Google we are, which the meter draws."""

    number: str
    label: str
    is_lag: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of an account waits: pulls for a person, appointments that Google did not take, events to look at."""

    braked: int = 0
    refused: int = 0
    failed: int = 0


def headline(card: AccountCard, waiting: Waiting) -> Headline:
    if card.lag is None:
        return Headline("–", _why_no_lag(card))
    if not card.account.is_connected:
        behind = f"{card.lag_words} behind Google" if card.lag_minutes else "nothing is read or sent"
        return Headline("paused", behind)
    if card.is_failing and card.lag_minutes:
        state = "stale, and the last try failed" if card.lag_state == "stale" else "the last try failed"
        return Headline(card.lag_words, f"behind Google: {state}", is_lag=True)
    if card.is_failing:
        return Headline("failing", "the last try to reach Google failed")
    if card.waits_until:
        return Headline(
            "waits", f"until {timezone.localtime(card.waits_until):%H:%M}: Google's limit is reached"
        )
    if card.lag_state == "stale":
        return Headline(card.lag_words, "behind Google: stale", is_lag=True)
    return _of_what_waits(waiting) or _of_lag(card)


def _why_no_lag(card: AccountCard) -> str:
    if not card.read_count:
        return "nothing is read"
    return "the first pull failed" if card.is_failing else "waiting for the first pull"


def _of_what_waits(waiting: Waiting) -> Headline | None:
    if waiting.braked:
        return Headline("waits", "for you: many appointments would be cancelled")
    if waiting.refused:
        them = "it" if waiting.refused == 1 else "them"
        return Headline(f"{waiting.refused} not sent", f"Google did not take {them}")
    if waiting.failed:
        events = "event needs" if waiting.failed == 1 else "events need"
        return Headline(f"{waiting.failed} to see", f"Google {events} a look")
    return None


def _of_lag(card: AccountCard) -> Headline:
    label = f"behind Google: {card.lag_state}" if card.lag_minutes else "with Google"
    return Headline(card.lag_words, label, is_lag=True)
