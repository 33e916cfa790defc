"""A stand-in for Google's OAuth and Calendar API over real HTTP, stricter than Google and never more lenient.

`manage.py google_sandbox` serves it for a demonstration; a test makes its own::

    from integrations.sandbox import Sandbox, serve

    sandbox = Sandbox(now=datetime(2026, 3, 2, 9, tzinfo=UTC))      # in memory, seeded, its clock frozen
    server = serve(sandbox)                                         # server.url, server.close()
    tokens = sandbox.control.issue_tokens("dana@example.com")       # no browser needed
    sandbox.control.patch("dana@example.com", "primary", event_id, {"summary": "New"})   # edit as a person

It serves Google's own paths (/o/oauth2/v2/auth, /token, /revoke, /oauth2/v3/userinfo, /oauth2/v3/certs,
/calendar/v3/…, /batch/calendar/v3), pages for a person at /, and a control plane for loopback at /_control/
(a page) and
below (JSON)::

    curl -X POST localhost:8001/_control/reset -H 'Content-Type: application/json' -d '{}'
    curl -X POST localhost:8001/_control/clock -H 'Content-Type: application/json' -d '{"advance": 3600}'
    curl -X POST localhost:8001/_control/tokens -H 'Content-Type: application/json' -d '{"person":
    "dana@example.com"}' curl -X POST localhost:8001/_control/edit -H 'Content-Type: application/json' \\
         -d '{"do": "patch", "person": "dana@example.com", "id": "…", "body": {"summary": "New"}}'
    curl -X POST localhost:8001/_control/faults -H 'Content-Type: application/json' \\
         -d '{"method": "calendar.events.insert", "drop_after": true}'
    curl -X POST localhost:8001/_control/faults -H 'Content-Type: application/json' -d '{"channel": "lose",
    "count": 2}' curl localhost:8001/_control/requests

The others: seed, expire-sync-tokens, share, revoke, invitations, channels, options, people;
`control_plane.py` tells what each takes, and `SandboxControl` in `control.py` is the same from Python. Rule
numbers (S7, W3 …) in
comments are those of the conformance tests in tests/integrations/sandbox/.
"""

from integrations.sandbox.app import Sandbox
from integrations.sandbox.oauth import Client
from integrations.sandbox.server import RunningServer, serve

__all__ = ["Client", "RunningServer", "Sandbox", "serve"]
