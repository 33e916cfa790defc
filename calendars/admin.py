"""The operations desk for calendars: set up and edited here, except what sync owns, which is only shown."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from calendars.admin_asking import AsksFirst
from calendars.admin_rows import DatesFormSet, MembershipForm, TeamFormSet, WeekFormSet
from calendars.calendar_forms import LengthField
from calendars.calendar_settings import delete_calendar, has_locked_kind, save_calendar, switch
from calendars.configuring import NotAllowed, save_configuration
from calendars.forms import UNANSWERED_SHOWN, ConfigurationForm, TimeZoneField
from calendars.leaving import leaving
from calendars.models import (
    BlockedTime,
    Calendar,
    CalendarConfiguration,
    DateOverride,
    GoogleEvent,
    Membership,
    PushTarget,
    SyncRun,
    WeeklyHours,
)
from calendars.models.google import GoogleEventQuerySet
from calendars.sync.trying_again import StillWrong, try_again
from contacts.admin import PersonAdmin, ReadOnly
from contacts.models import User
from contacts.viewer import viewer_of

# Typed and shown as on the Calendars page: 45 min, 4 h, 2 d.
LENGTHS: dict[type[models.Field[Any, Any]], dict[str, Any]] = {
    models.DurationField: {"form_class": LengthField, "widget": UnfoldAdminTextInputWidget}
}


admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(AsksFirst, PersonAdmin):  # type: ignore[misc]  # Django's part of it is typed, unfold's is not
    """People as contacts keeps them; who may no longer sign in is asked about first: they host appointments."""

    asking_template = "admin/calendars/before_leaving.html"

    def standing(self) -> Mapping[int, Any]:
        return dict.fromkeys(User.objects.filter(is_active=True).values_list("pk", flat=True), True)

    def meant(
        self, request: HttpRequest, before: Mapping[int, Any], changed: Mapping[int, Any]
    ) -> Sequence[Any]:
        return leaving(set(changed), viewer=viewer_of(request), now=timezone.now())


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    formset = TeamFormSet
    autocomplete_fields = ("user",)


class WeeklyHoursInline(TabularInline):
    model = WeeklyHours
    extra = 0
    formset = WeekFormSet
    fields = ("weekday", "starts", "ends")


class DateOverrideInline(TabularInline):
    model = DateOverride
    extra = 0
    formset = DatesFormSet
    fields = ("on", "starts", "ends")


@admin.register(Calendar)
class CalendarAdmin(AsksFirst, ModelAdmin):
    list_display = ("name", "kind", "owner", "time_zone", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("name", "slug", "owner__email")
    list_select_related = ("owner",)
    autocomplete_fields = ("owner",)
    prepopulated_fields: ClassVar = {"slug": ("name",)}
    inlines = (MembershipInline, WeeklyHoursInline, DateOverrideInline)
    formfield_overrides = LENGTHS
    actions = ("switch_off", "switch_on")

    def get_readonly_fields(self, request: HttpRequest, obj: Calendar | None = None) -> tuple[str, ...]:
        """The kind stays once appointments exist; the owner is whose Google account is linked; off is an action."""
        fixed = ("is_active",) if obj is None else ("is_active", "owner")
        return (*fixed, "kind") if obj and has_locked_kind(obj) else fixed

    def get_inlines(self, request: HttpRequest, obj: Calendar | None) -> tuple[type, ...]:
        """Hours belong to the members of a team, or to an unassigned calendar itself."""
        if obj is None:
            return (MembershipInline,)
        return (WeeklyHoursInline, DateOverrideInline) if obj.is_unassigned else (MembershipInline,)

    def save_model(
        self, request: HttpRequest, obj: Calendar, form: forms.ModelForm[Calendar], change: bool
    ) -> None:
        save_calendar(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Calendar | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj and has_locked_kind(obj))

    def delete_model(self, request: HttpRequest, obj: Calendar) -> None:
        delete_calendar(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Calendar]) -> None:
        for calendar in queryset:
            try:
                delete_calendar(calendar)
            except NotAllowed as refusal:
                self.message_user(request, f"{calendar}: {refusal}", messages.ERROR)

    @admin.action(description="Switch off (appointments stay)", permissions=["change"])
    def switch_off(self, request: HttpRequest, calendars: QuerySet[Calendar]) -> None:
        for calendar in calendars:
            switch(calendar, on=False)
        self.message_user(request, "Switched off: nobody can book them.")

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, calendars: QuerySet[Calendar]) -> None:
        for calendar in calendars:
            switch(calendar, on=True)
        self.message_user(request, "Switched on.")


@admin.register(Membership)
class MembershipAdmin(AsksFirst, ModelAdmin):
    form = MembershipForm
    list_display = ("calendar", "user", "priority", "is_active")
    list_filter = ("is_active", "calendar")
    search_fields = ("calendar__name", "user__email", "user__first_name", "user__last_name")
    list_select_related = ("calendar", "user")
    autocomplete_fields = ("calendar", "user")
    inlines = (WeeklyHoursInline, DateOverrideInline)


class HoursAdmin(AsksFirst, ModelAdmin):
    """All in one list; hours are changed with the member or the unassigned calendar they belong to, as a whole."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(WeeklyHours)
class WeeklyHoursAdmin(HoursAdmin):
    list_display = ("weekday", "starts", "ends", "membership", "calendar")
    list_filter = ("weekday",)
    list_select_related = ("membership__calendar", "membership__user", "calendar")
    autocomplete_fields = ("membership", "calendar")


@admin.register(DateOverride)
class DateOverrideAdmin(HoursAdmin):
    list_display = ("on", "starts", "ends", "membership", "calendar")
    date_hierarchy = "on"
    list_select_related = ("membership__calendar", "membership__user", "calendar")
    autocomplete_fields = ("membership", "calendar")


@admin.register(BlockedTime)
class BlockedTimeAdmin(ModelAdmin):
    list_display = ("title", "user", "starts_at", "ends_at")
    search_fields = ("title", "user__email")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)
    date_hierarchy = "starts_at"


class AdminConfigurationForm(ConfigurationForm):
    """The same form and rules as on the Profile page, for whoever the configuration belongs to."""

    # Declared anew: the page that offers zones while one types is not here.
    time_zone = TimeZoneField(
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false"}),
        help_text="Days and reminder times are told in it. A name such as Europe/London.",
    )

    class Meta(ConfigurationForm.Meta):
        fields: ClassVar[Any] = ("user", "calendar", *ConfigurationForm.Meta.fields)
        widgets: ClassVar[Any] = {
            "conflict_calendars": UnfoldAdminCheckboxSelectMultipleWidget,
            "sync_option": UnfoldAdminRadioSelectWidget,
            "ignored_guests": UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        }

    def __init__(self, data: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        user, calendar = (instance.user, instance.calendar) if instance and instance.pk else _whose(data)
        if data is not None:
            data = data.copy()  # type: ignore[attr-defined]  # a QueryDict
            data[UNANSWERED_SHOWN] = "1"  # type: ignore[index]  # the copy is mutable
        owner = user or (calendar.owner if calendar else None)
        super().__init__(data, *args, user=owner, calendar=calendar, **kwargs)

    def clean(self) -> dict[str, Any]:
        if {"user", "calendar"} <= self.fields.keys():
            self._belongs_to_one()
        return super().clean()

    def _belongs_to_one(self) -> None:
        user, calendar = self.cleaned_data.get("user"), self.cleaned_data.get("calendar")
        if bool(user) == bool(calendar):
            raise forms.ValidationError("Choose a user or an unassigned calendar, and only one of them.")
        if calendar and not calendar.is_unassigned:
            self.add_error("calendar", "Only an unassigned calendar has a configuration of its own.")
        if CalendarConfiguration.objects.filter(user=user, calendar=calendar).exists():
            raise forms.ValidationError("There is one already: change that one.")


def _whose(data: Mapping[str, Any] | None) -> tuple[User | None, Calendar | None]:
    if data is None:
        return None, None
    user, calendar = str(data.get("user") or ""), str(data.get("calendar") or "")
    return (
        User.objects.filter(pk=user).first() if user.isdigit() else None,
        Calendar.objects.filter(pk=calendar).first() if calendar.isdigit() else None,
    )


@admin.register(CalendarConfiguration)
class CalendarConfigurationAdmin(AsksFirst, SimpleHistoryAdmin, ModelAdmin):
    """Who syncs how. The history button shows who changed what."""

    form = AdminConfigurationForm
    list_display = (
        "__str__",
        "linked_calendar",
        "sync_option",
        "allow_contact_creation",
        "default_calendar",
        "allow_trigger",
    )
    list_filter = ("sync_option", "allow_contact_creation", "allow_trigger")
    search_fields = ("user__email", "calendar__name", "linked_calendar__summary")
    list_select_related = ("user", "calendar", "linked_calendar", "default_calendar")
    history_list_display = ("sync_option", "linked_calendar")

    def get_fields(self, request: HttpRequest, obj: CalendarConfiguration | None = None) -> list[str]:
        own = ("allow_contact_creation", "default_calendar", "allow_trigger")
        shown = ConfigurationForm.Meta.fields
        if obj is not None and obj.calendar_id:
            shown = tuple(name for name in shown if name not in own)
        return ["user", "calendar", *shown, *(["policy_since"] if obj else [])]

    def get_readonly_fields(
        self, request: HttpRequest, obj: CalendarConfiguration | None = None
    ) -> tuple[str, ...]:
        return ("user", "calendar", "policy_since") if obj else ()

    def save_model(
        self, request: HttpRequest, obj: CalendarConfiguration, form: AdminConfigurationForm, change: bool
    ) -> None:
        user = obj.user if change else form.cleaned_data["user"]
        calendar = obj.calendar if change else form.cleaned_data["calendar"]
        by = request.user if isinstance(request.user, User) else None
        saved = save_configuration(form.values(), user=user, calendar=calendar, by=by)
        obj.__dict__.update(saved.__dict__)

    def save_related(
        self, request: HttpRequest, form: forms.ModelForm[CalendarConfiguration], formsets: Any, change: bool
    ) -> None:
        """Nothing is left: the verb has written the conflict calendars too."""


@admin.register(GoogleEvent)
class GoogleEventAdmin(ReadOnly, ModelAdmin):
    """The ledger: every event we ever saw, and what became of it. Titles and guests are not shown here."""

    list_display = (
        "google_id",
        "google_calendar",
        "starts_at",
        "status",
        "outcome",
        "reason",
        "error",
        "attempts",
        "not_before",
    )
    list_filter = (
        ("error", admin.EmptyFieldListFilter),
        "outcome",
        "status",
        "event_type",
        "google_calendar__account",
    )
    search_fields = ("google_id", "ical_uid", "appointment__id")
    list_select_related = ("google_calendar__account",)
    exclude = ("summary", "description", "location", "attendees", "organizer_address", "meeting_url")
    show_full_result_count = False
    actions = ("try_failed_again",)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Rows are not edited here, yet whoever may change events may call this verb."""
        return request.user.has_perm("calendars.change_googleevent")

    @admin.action(description="Try again what failed", permissions=["act"])
    def try_failed_again(self, request: HttpRequest, events: GoogleEventQuerySet) -> None:
        done = 0
        for event in events.failed().select_related("google_calendar__account"):
            try:
                try_again(event, now=timezone.now())
                done += 1
            except StillWrong as error:
                self.message_user(request, f"{event}: {error}", messages.ERROR)
        self.message_user(request, f"Done: {done} of those that had failed.")


@admin.register(PushTarget)
class PushTargetAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "event_id",
        "google_calendar",
        "host",
        "wanted_revision",
        "pushed_revision",
        "attempts",
        "not_before",
        "last_error",
    )
    list_filter = ("is_withdrawn", "is_adopted", "google_calendar__account")
    search_fields = ("event_id", "appointment__id")
    list_select_related = ("google_calendar__account", "host")
    show_full_result_count = False


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly, ModelAdmin):
    list_display = ("started_at", "google_calendar", "kind", "state", "pages", "events", "error")
    list_filter = ("state", "kind", "google_calendar__account")
    search_fields = ("google_calendar__summary", "google_calendar__account__address")
    list_select_related = ("google_calendar__account",)
    date_hierarchy = "started_at"
    show_full_result_count = False
