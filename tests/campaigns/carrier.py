"""Twilio's stand-in for tests: over real HTTP, with the product's callback pages served in turn."""

import urllib.parse
from dataclasses import dataclass

from django.test import Client
from pytest_django import Settings

from campaigns.carrier_sandbox import ACCOUNT, SENDER, TOKEN, CarrierSandbox
from campaigns.carrier_sandbox.twilio import Post, sign

SITE = "https://crm.example.com"
URL = f"twilio://{ACCOUNT}:{TOKEN}@/?from={SENDER}"


@dataclass
class Carrier:
    """`sandbox` takes texts over HTTP; what it wants to tell the product goes through `post`."""

    sandbox: CarrierSandbox
    client: Client

    def post(self, form: Post, *, signature: str | None = None) -> int:
        """One form to the product's own page, as signed for its public address."""
        parts = urllib.parse.urlsplit(form.url)
        answer = self.client.post(
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            urllib.parse.urlencode(form.fields),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": sign(form.url, form.fields) if signature is None else signature},
        )
        return answer.status_code

    def taken(self) -> list[Post]:
        """The forms that wait, which are then gone."""
        forms = list(self.sandbox.waiting)
        self.sandbox.waiting.clear()
        return forms

    def report(self) -> list[int]:
        return [self.post(form) for form in self.taken()]

    def reply(self, phone: str, body: str) -> list[int]:
        self.sandbox.reply(phone, body)
        return self.report()


def point_at(settings: Settings, url: str) -> None:
    settings.SMS_URL, settings.TWILIO_API_URL, settings.PUBLIC_BASE_URL = URL, url, SITE
