"""Where Twilio tells what became of a text, and what people answer: no session, its signature is the permission."""

import logging
from collections.abc import Callable, Mapping
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from campaigns import carrying, replies, reporting
from campaigns.models import IncomingText, Outgoing, Step
from campaigns.reporting import Told
from campaigns.transports import twilio
from campaigns.transports.twilio_codes import Meaning, meaning_of, words_of
from contacts import reaching

logger = logging.getLogger(__name__)

Report = Outgoing.Report
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values; the rest says only that it has it.
REPORTS = {
    "delivered": Report.DELIVERED,
    "read": Report.DELIVERED,
    "undelivered": Report.BOUNCED,
    "failed": Report.BOUNCED,
}
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

View = Callable[[HttpRequest], HttpResponse]


def from_twilio(view: View) -> View:
    """404 where this site has no Twilio account or no public address, 403 for what Twilio has not signed."""

    @csrf_exempt
    @login_not_required
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        base = twilio.callback_base()
        if not (twilio.is_twilio(settings.SMS_URL) and base):
            raise Http404
        account = twilio.account_of(settings.SMS_URL)
        fields = {name: [str(value) for value in values] for name, values in request.POST.lists()}
        signature = request.headers.get("X-Twilio-Signature", "")
        url = base + request.get_full_path()
        is_ours = request.POST.get("AccountSid", "") == account.sid
        if not (account.token and is_ours and twilio.is_signed(url, fields, signature, account.token)):
            return HttpResponse("The signature is not Twilio's.", status=403, content_type="text/plain")
        return view(request)

    return checked


@from_twilio
def status(request: HttpRequest) -> HttpResponse:
    """What became of a text: 204 whether or not it is known here, so that Twilio asks no more."""
    take_status(request.POST, request.GET.get("of", ""))
    return HttpResponse(status=204)


def take_status(fields: Mapping[str, str], reference: str) -> None:
    now = timezone.now()
    told = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    report = REPORTS.get(told, "")
    code = int(fields["ErrorCode"]) if fields.get("ErrorCode", "").isdecimal() else 0
    is_bad = report == Report.BOUNCED
    why = "" if not is_bad else words_of(code) if code else "Twilio gave no reason."
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    row = reporting.record(Told(sid, twilio.our_id(reference), now, report, why))
    meaning = meaning_of(code) if is_bad else None
    if meaning == Meaning.STOPPED:
        carrying.stop(Step.Medium.SMS, why, now)
    if row is None:
        return
    if meaning == Meaning.NOWHERE:
        reaching.mark_number(row.recipient, why, now)
    elif meaning == Meaning.OPTED_OUT:
        ids = reaching.contacts_with_number(row.recipient)
        reaching.stop_texts(ids, "Asked the SMS service to stop texts from us")


@from_twilio
def incoming(request: HttpRequest) -> HttpResponse:
    """What somebody wrote to our number. Twilio answers STOP itself, so the answer is empty."""
    fields, sid = request.POST, request.POST.get("MessageSid", "")
    # One transaction: what could not be taken leaves no trace, and its repeat is taken.
    with transaction.atomic():
        _, is_new = IncomingText.objects.get_or_create(sid=sid[:64])
        if not is_new:
            return HttpResponse(EMPTY, content_type="text/xml")
        known = replies.take(
            fields.get("From", ""), fields.get("Body", ""), fields.get("OptOutType", ""), sid
        )
    if not known:
        logger.info("An SMS came from a number that no contact has (%s)", sid)
    return HttpResponse(EMPTY, content_type="text/xml")
