"""Reads environment variables. A wrong one stops the start with a line that names it and says what to write.

Values are never repeated in those lines when they may hold a password.
"""

import builtins
import urllib.parse
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import TRANSPORT_ALIASES

ENGINES = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}
TRUTHS = {"true", "yes", "on", "y", "ok", "1"}
FALSEHOODS = {"false", "no", "off", "n", "0", ""}
# The services that django-anymail speaks to, and the settings that stand before the @ of their address.
MAIL_SERVICES = {
    "amazonses": ("amazon_ses", ()),
    "brevo": ("brevo", ("API_KEY",)),
    "mailersend": ("mailersend", ("API_TOKEN",)),
    "mailgun": ("mailgun", ("API_KEY",)),
    "mailjet": ("mailjet", ("API_KEY", "SECRET_KEY")),
    "mailtrap": ("mailtrap", ("API_TOKEN",)),
    "postmark": ("postmark", ("SERVER_TOKEN",)),
    "resend": ("resend", ("API_KEY",)),
    "scaleway": ("scaleway", ("SECRET_KEY",)),
    "sendgrid": ("sendgrid", ("API_KEY",)),
    "sparkpost": ("sparkpost", ("API_KEY",)),
}


def mail_service(service: str, address: str) -> dict[str, Any]:
    """The settings of one of `MAIL_SERVICES` from service://key@/?option=value; its options are anymail's, such as
    `sender_domain`, `api_url` or `webhook_signing_key`."""
    module, secrets = MAIL_SERVICES[service]
    parts = urllib.parse.urlsplit(address)
    given = [urllib.parse.unquote(part or "") for part in (parts.username, parts.password)]
    options = {name.upper(): value for name, value in urllib.parse.parse_qsl(parts.query)}
    values = {**{name: value for name, value in zip(secrets, given, strict=False) if value}, **options}
    anymail = {f"{module.upper()}_{name}": value for name, value in values.items()}
    return {"EMAIL_BACKEND": f"anymail.backends.{module}.EmailBackend", "ANYMAIL": anymail}


class Variables(environ.Env):  # type: ignore[misc]  # django-environ has no types
    """django-environ's reader with errors that a person can act on."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """As django-environ's; raises ImproperlyConfigured where it would raise ValueError."""
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var}={self.ENVIRON.get(var)} is not a number.") from error

    def bool(self, var: str, default: Any = environ.Env.NOTSET) -> builtins.bool:
        """django-environ takes every unknown word for False; `DEBUG=ture` should not pass for off."""
        word = str(self.ENVIRON.get(var, "")).strip().lower()
        if word not in TRUTHS | FALSEHOODS:
            raise ImproperlyConfigured(f"{var}={word} is neither true nor false.")
        return builtins.bool(super().bool(var, default=default))

    def db(self, var: str, default: Any = environ.Env.NOTSET, engine: str | None = None) -> dict[str, Any]:
        """The settings of one database: PostgreSQL or SQLite."""
        try:
            settings: dict[str, Any] = self.db_url_config(self.str(var, default=default), engine)
        except ValueError:
            settings = {}
        if settings.get("ENGINE") not in ENGINES:
            raise ImproperlyConfigured(
                f"{var} is no database address. Write postgres://user:password@host:5432/name "
                "or sqlite:////folder/file.sqlite3."
            )
        return settings

    def email_url(self, var: str, default: Any = environ.Env.NOTSET, backend: str | None = None) -> Any:
        """The settings that say how mail leaves."""
        address = self.str(var, default=default)
        service = address.partition("://")[0]
        if service in MAIL_SERVICES and "://" in address:
            return mail_service(service, address)
        try:
            return self.email_url_config(address, backend)
        except (ImproperlyConfigured, ValueError) as error:
            raise ImproperlyConfigured(
                f"{var} is no mail address. Write smtp+tls://user:password@host:587, consolemail:// "
                f"(prints), dummymail:// (drops), or a service’s: {', '.join(sorted(MAIL_SERVICES))}://key@."
            ) from error

    def sms_url(self, var: str) -> builtins.str:
        """The address of who carries text messages; "" for nobody."""
        address: str = self.str(var, default="")
        scheme = address.partition("://")[0]
        if address and scheme not in ("twilio", "https", "http"):
            raise ImproperlyConfigured(
                f"{var} is no SMS address. Write twilio://account:token@/?from=+441632960000 or the https:// "
                "address of a gateway of your own."
            )
        return address

    def broker(self, var: str, default: str) -> str:
        """The address of Celery's broker; its transport must be one that Celery has."""
        address: str = self.str(var, default=default)
        if address.partition("://")[0].partition("+")[0] not in TRANSPORT_ALIASES or "://" not in address:
            raise ImproperlyConfigured(
                f"{var} is no broker address. Write redis://host:6379/0, amqp://user:password@host:5672// "
                "or memory:// (one process)."
            )
        return address
