"""What a mail service reports, as anymail's webhooks hand it over: bounces, complaints, unsubscribes."""

import re
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.utils import timezone

from campaigns import reporting
from campaigns.models import Outgoing
from campaigns.reporting import Told
from campaigns.transports.answers import ENHANCED, is_gone
from campaigns.transports.mail import OUR_ID
from contacts import reaching

Report = Outgoing.Report
REPORTS = {
    EventType.DELIVERED: Report.DELIVERED,
    EventType.BOUNCED: Report.BOUNCED,
    EventType.REJECTED: Report.BOUNCED,
    EventType.FAILED: Report.BOUNCED,
    EventType.COMPLAINED: Report.COMPLAINED,
}
# Words of the services for a bounce that may pass; anymail does not tell the two apart.
PASSING = re.compile(r"soft|transient|temporar|mailbox.?full|over.?quota", re.IGNORECASE)
KIND_FIELDS = (
    "Type",
    "type",
    "bounceType",
    "bounce_type",
    "bounce_class",
    "severity",
    "event",
    "error_related_to",
)


def connect() -> None:
    """Listens to anymail; called once, when the app is ready."""
    tracking.connect(on_tracking, dispatch_uid="campaigns.on_tracking")


def on_tracking(*, event: AnymailTrackingEvent, **kwargs: Any) -> None:
    take(event)


def take(event: AnymailTrackingEvent) -> None:
    """Writes it on the message it is about, and on the contact what it says of the address or the person."""
    words = _words(event)
    told = Told(
        carrier_id=str(event.message_id or ""),
        our_id=str((event.metadata or {}).get(OUR_ID, "")),
        at=event.timestamp or timezone.now(),
        report=REPORTS.get(event.event_type, ""),
        why=words if event.event_type != EventType.DELIVERED else "",
    )
    row = reporting.record(told)
    address = event.recipient or (row.recipient if row is not None else "")
    if not address:
        return
    if event.event_type == EventType.COMPLAINED or event.reject_reason == RejectReason.SPAM:
        reaching.stop_mail_to(address, "Reported our e-mail as spam, so they get no more")
    elif EventType.UNSUBSCRIBED in (event.event_type, event.reject_reason):
        reaching.stop_mail_to(address, "Unsubscribed from e-mails at the mail service")
    elif is_hard(event):
        reaching.mark_address(address, words, told.at)


def is_hard(event: AnymailTrackingEvent) -> bool:
    """Whether the address itself leads nowhere: what a server said of it counts before what the service calls it."""
    if event.event_type not in (EventType.BOUNCED, EventType.REJECTED):
        return False
    answer = f"{event.mta_response or ''} {event.description or ''}"
    if event.reject_reason == RejectReason.INVALID or is_gone(answer):
        return True
    if event.reject_reason != RejectReason.BOUNCED or ENHANCED.search(answer):
        return False
    raw = event.esp_event if isinstance(event.esp_event, dict) else {}
    kinds = " ".join(str(raw.get(name, "")) for name in KIND_FIELDS)
    return not PASSING.search(f"{kinds} {answer}")


def _words(event: AnymailTrackingEvent) -> str:
    said = str(event.mta_response or event.description or "").strip()
    if said:
        return f"The mail server said: {' '.join(said.split())[:250]}"
    return {
        EventType.REJECTED: "The mail service did not send it.",
        EventType.FAILED: "The mail service failed over it.",
        EventType.COMPLAINED: "",
    }.get(event.event_type, "The mail server sent it back.")
