"""A gateway of one's own for text messages: takes JSON (to, text, reference); any 2xx means taken."""

import json
import urllib.error
import urllib.request

from django.utils import timezone

from campaigns.transports.answers import of_http
from campaigns.transports.letters import TIMEOUT_SECONDS, Letter, Receipt, TryLater, Unclear


def send(letter: Letter, url: str) -> Receipt:
    body = {"to": letter.recipient, "text": letter.text.strip(), "reference": letter.message_id}
    request = urllib.request.Request(  # noqa: S310 (the address is the operator's own setting)
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310 (as above)
    except urllib.error.HTTPError as error:
        with error:
            raise _named(error) from error
    except urllib.error.URLError as error:
        raise TryLater("The SMS service could not be reached.") from error
    except OSError as error:
        raise Unclear("The SMS service took the message but did not answer.") from error
    return Receipt()


def _named(error: urllib.error.HTTPError) -> Exception:
    if error.code in (500, 502, 504):
        # It broke, or what stands before it gave up waiting: either may be after it was sent.
        return Unclear(f"The SMS service failed over it ({error.code}), and may have sent it.")
    return of_http(error.code, "SMS service", dict(error.headers.items()), timezone.now())
