"""What the sign-in page of a local run offers beside the form."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def demo_sign_ins() -> list[tuple[str, str, str]]:
    """(address, password, who) of the demo people; empty unless this is a local run that defines them."""
    return list(getattr(settings, "DEMO_SIGN_INS", ())) if settings.DEBUG else []
