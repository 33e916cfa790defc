"""Text messages, through whom SMS_URL names: Twilio (twilio://), or a gateway of one's own (https://)."""

from django.conf import settings

from campaigns.transports import gateway, twilio
from campaigns.transports.letters import Letter, Receipt, Refused


class SmsTransport:
    # No service for text messages takes an id of ours and drops what it has sent already.
    recognises_repeats = False

    def send(self, letter: Letter) -> Receipt:
        if not settings.SMS_URL:
            raise Refused("No SMS service is set up (SMS_URL).")
        if twilio.is_twilio(settings.SMS_URL):
            return twilio.send(letter, twilio.account_of(settings.SMS_URL))
        return gateway.send(letter, settings.SMS_URL)
