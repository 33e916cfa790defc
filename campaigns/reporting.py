"""What carriers report later of what was sent: delivered, bounced, complained. Twice, late or in any order."""

import datetime
import re
from dataclasses import dataclass

from campaigns.delivery.claims import message_id_of
from campaigns.models import Message, Notice, Outgoing

Report, State = Outgoing.Report, Outgoing.State
KINDS: dict[str, type[Message] | type[Notice]] = {"message": Message, "notice": Notice}
OURS = re.compile(r"<(message|notice)-(\d{1,18})\.[0-9a-f]+@[^>]*>")
# What a report may replace. Nothing takes back that it bounced, or that the reader called it spam: a server that took
# a message may send it back later.
BEFORE = {
    Report.DELIVERED: [""],
    Report.BOUNCED: ["", Report.DELIVERED],
    Report.COMPLAINED: ["", Report.DELIVERED, Report.BOUNCED],
}


@dataclass(frozen=True, slots=True)
class Told:
    """A carrier's word on one message. `report` is "" where it only says that it has it; `our_id`: our Message-ID, if
    it gave that back."""

    carrier_id: str
    our_id: str
    at: datetime.datetime
    report: str = ""
    why: str = ""


def record(told: Told) -> Message | Notice | None:
    """Writes it on its row, and returns that; None for what is not ours, or of an attempt before the last."""
    row = row_of(told)
    if row is None:
        return None
    rows = type(row)._default_manager.filter(pk=row.pk)
    if told.carrier_id:
        # It may come before the receipt is written.
        rows.filter(carrier_id="").update(carrier_id=told.carrier_id[:200])
    # A carrier that speaks of it has taken it, which nobody knew.
    unknown = rows.filter(state=State.UNKNOWN)
    unknown.update(state=State.SENT, sent_at=told.at, why="Its carrier reported it.")
    if told.report:
        older = rows.filter(report__in=BEFORE[Report(told.report)])
        older.update(report=told.report, report_why=told.why[:300], reported_at=told.at)
    return row


def row_of(told: Told) -> Message | Notice | None:
    """By the carrier's name for it, else by ours."""
    if told.carrier_id:
        for model in KINDS.values():
            found = model._default_manager.filter(carrier_id=told.carrier_id).first()
            if found is not None:
                return found
    row = _by_our_id(told.our_id) or _by_our_id(told.carrier_id)
    if row is None or (row.carrier_id and told.carrier_id and row.carrier_id != told.carrier_id):
        return None
    return row


def _by_our_id(our_id: str) -> Message | Notice | None:
    named = OURS.fullmatch(our_id)
    if named is None:
        return None
    row = KINDS[named[1]]._default_manager.filter(pk=int(named[2])).first()
    # The digest in it tells this installation's rows from those of another.
    return row if row is not None and message_id_of(row) == our_id else None
