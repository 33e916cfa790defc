"""Messages of unknown outcome: a person looks, and says that it arrived, or that it is to be sent again."""

import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from campaigns.models import Message, Notice, Outgoing, Step
from contacts import reaching
from contacts.models import User

State = Outgoing.State
# As if it had never been begun: the next attempt writes all of it anew.
FRESH: dict[str, Any] = {
    "message_id": "",
    "carrier_id": "",
    "subject": "",
    "body_text": "",
    "body_html": "",
    "attempts": 0,
    "not_before": None,
}


@transaction.atomic
def it_arrived(row: Message | Notice, *, by: User, now: datetime.datetime) -> bool:
    """It counts as sent. False when its outcome is known by now."""
    if not _unknown(row).update(state=State.SENT, sent_at=now, why=f"{by} found that it arrived."[:300]):
        return False
    _note(row, "arrived", by)
    return True


@transaction.atomic
def send_again(row: Message | Notice, *, by: User, now: datetime.datetime) -> bool:
    """It waits once more, due at once, and is checked like any other. False when its outcome is known by now."""
    # Due now, as the person says: else it would be left out for being late.
    if not _unknown(row).update(state=State.WAITING, due_at=now, why=f"Sent again by {by}."[:300], **FRESH):
        return False
    _note(row, "is to be sent again", by)
    return True


def _unknown(row: Message | Notice) -> QuerySet[Any]:
    return type(row)._default_manager.filter(pk=row.pk, state=State.UNKNOWN)


def _note(row: Message | Notice, outcome: str, by: User) -> None:
    if isinstance(row, Notice):
        contact_id, medium = row.contact_id, Step.Medium.EMAIL
    else:
        contact_id, medium = row.enrolment.contact_id, Step.Medium(row.step.medium)
    what = "text message" if medium == Step.Medium.SMS else "e-mail"
    reaching.note([contact_id], f"The {what} to {row.recipient} {outcome}; nobody knew before", by=by)
