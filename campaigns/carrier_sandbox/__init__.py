"""A stand-in for Twilio over real HTTP, stricter than Twilio: its REST API for messages, callbacks that it signs,
numbers that go wrong on purpose, and a page with every phone, where one reads what arrived and answers.

`manage.py carrier_sandbox` serves it, `manage.py demo` beside the product; a test makes its own::

    sandbox = CarrierSandbox()                # its callbacks go out when asked: sandbox.post_due()
    server = serve(sandbox)                   # server.url, server.close()
    sandbox.reply("+447700900123", "STOP")

It keeps nothing over a restart, and knows nothing of the product: signatures are made here anew.
"""

from campaigns.carrier_sandbox.server import RunningServer, serve
from campaigns.carrier_sandbox.twilio import ACCOUNT, SENDER, TOKEN, CarrierSandbox, Text

__all__ = ["ACCOUNT", "SENDER", "TOKEN", "CarrierSandbox", "RunningServer", "Text", "serve"]
