"""Asks Google for events by their ids: what a list did not tell of is not gone for that (S8, W14)."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from integrations.google.client import CalendarClient
from integrations.google.errors import Gone, Refused, TryLater
from integrations.google.events import RemoteEvent
from integrations.models import GoogleCalendar

logger = logging.getLogger(__name__)

# So often a pull fails and is tried again soon before it goes on without the events that Google cannot tell of.
PATIENT_TRIES = 3
# So many in a row without an answer: it is not the events.
UNANSWERED_IN_A_ROW = 10


class Answers(NamedTuple):
    """The events as they are now; the ids of those gone, and of those of which Google could or would not tell."""

    found: list[RemoteEvent]
    gone: list[str]
    unanswered: list[str]


def ask_for(
    google_ids: Sequence[str],
    google_calendar: GoogleCalendar,
    client: CalendarClient,
    progress: Callable[[], None],
) -> Answers:
    """Each by itself. One without an answer raises TryLater, as a limit does, or many in a row; where the pulls of the
    calendar failed a few times already, it stops none of the others.
    """
    answers = Answers([], [], [])
    is_patient = google_calendar.failures < PATIENT_TRIES
    in_a_row = 0
    for google_id in google_ids:
        progress()  # hundreds of slow answers would outlast the claim
        try:
            _ask_for(google_id, google_calendar, client, answers)
        except TryLater as error:
            in_a_row += 1
            if is_patient or error.is_limit or in_a_row == UNANSWERED_IN_A_ROW:
                raise
            answers.unanswered.append(google_id)
        else:
            in_a_row = 0
    return answers


def _ask_for(
    google_id: str, google_calendar: GoogleCalendar, client: CalendarClient, answers: Answers
) -> None:
    try:
        event = client.get_event(google_calendar.google_id, google_id, time_zone=google_calendar.time_zone)
    except Gone:
        answers.gone.append(google_id)
    except Refused as error:
        # It is there and cannot be told: nothing follows from its absence in the list.
        logger.info("Event in Google calendar %d not read: %s", google_calendar.pk, error.reason)
        answers.unanswered.append(google_id)
    else:
        # Or Google has another name for it by now (W3).
        if event.is_series or event.google_id != google_id:
            answers.gone.append(google_id)
        if not event.is_series:
            answers.found.append(event)
