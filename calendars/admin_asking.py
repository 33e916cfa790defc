"""The page before saving in the admin: what a change there would do to upcoming appointments is said first.

A change in the admin is a form with inlines, an action or a deletion. What it comes to is not foretold: it is carried
out, compared and taken back, so that nothing the admin can do is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.messages.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from calendars.affected import Affected, affected, settings_of
from calendars.consequences import Setting
from calendars.models import Calendar
from contacts.viewer import viewer_of

TEMPLATE = "admin/calendars/before_saving.html"
NOT_RESENT = ("csrfmiddlewaretoken", "anyway")


@dataclass(frozen=True, slots=True)
class Part:
    """One calendar, by the name it has now, and what the change means for it."""

    name: str
    meant: Affected


class _TakenBack(Exception):
    """Rolls the try back."""


class AsksFirst(ModelAdmin):
    """Shows the page before saving where a post leaves upcoming appointments standing out; `anyway` is the answer."""

    asking_template = TEMPLATE

    def standing(self) -> Mapping[int, Any]:
        """What a post may change, by key, as it stands."""
        return settings_of(Calendar.objects.all())

    def meant(
        self, request: HttpRequest, before: Mapping[int, Any], changed: Mapping[int, Any]
    ) -> Sequence[Any]:
        """What to say of `changed`, which holds None for what would be gone; nothing where there is nothing to say."""
        return _parts(request, before, changed)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        act = super().changeform_view
        return self._ask_first(request, partial(act, request, object_id, form_url, extra_context))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return self._ask_first(request, partial(super().delete_view, request, object_id, extra_context))

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return self._ask_first(request, partial(super().response_action, request, queryset))

    def _ask_first(self, request: HttpRequest, act: Callable[[], Any]) -> Any:
        if request.method != "POST" or "anyway" in request.POST:
            return act()
        before = self.standing()
        try:
            with transaction.atomic():
                response = act()
                after = self.standing()
                changed = {key: after.get(key) for key, value in before.items() if after.get(key) != value}
                if not changed:
                    return response
                raise _TakenBack
        except _TakenBack:
            # “Was changed” is no longer true.
            request._messages = default_storage(request)  # type: ignore[attr-defined]  # as the middleware does
        meant = self.meant(request, before, changed)
        return self._page(request, meant) if meant else act()

    def _page(self, request: HttpRequest, parts: Sequence[Any]) -> TemplateResponse:
        posted = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name not in NOT_RESENT
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": "Before saving",
            "parts": parts,
            "posted": posted,
        }
        return TemplateResponse(request, self.asking_template, context)


def _parts(
    request: HttpRequest, before: Mapping[int, Setting], changed: Mapping[int, Setting | None]
) -> list[Part]:
    """What `changed` means, by calendar, where it means something; None: it would be deleted, so it hosts nothing."""
    viewer, now, parts = viewer_of(request), timezone.now(), []
    for calendar in Calendar.objects.filter(pk__in=changed):
        new = changed[calendar.pk] or Setting(is_active=False)
        meant = affected(calendar, before[calendar.pk], new, viewer=viewer, now=now)
        if meant:
            parts.append(Part(str(calendar), meant))
    return parts
