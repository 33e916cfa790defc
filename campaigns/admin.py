"""The operations desk: campaigns can be changed; what happened can be searched and read, never rewritten."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from campaigns.models import Campaign, Enrolment, Message, Notice, Step, TriggerEvent

CONTACT = ("contact__first_name", "contact__last_name", "contact__emails__address")


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the verbs of this app write and nobody edits."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepInline(TabularInline):
    model = Step
    extra = 0
    fields = ("position", "is_active", "anchor", "offset", "medium", "subject", "when_late")
    # Texts are written in the editor, which checks every merge field.
    show_change_link = False
    can_delete = False


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    list_display = ("name", "trigger", "is_active", "created_at")
    list_filter = ("is_active", "trigger")
    search_fields = ("name", "steps__subject")
    filter_horizontal = ("calendars", "tags")
    inlines = (StepInline,)
    actions = ("switch_on", "switch_off")

    @admin.action(description="Switch on")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.message_user(request, f"{queryset.update(is_active=True)} on.")

    @admin.action(description="Switch off")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.message_user(request, f"{queryset.update(is_active=False)} off.")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("campaign", "anchor", "offset", "medium", "subject", "is_active")
    list_filter = ("medium", "anchor", "is_active")
    list_select_related = ("campaign",)
    search_fields = ("campaign__name", "subject", "body")


@admin.register(TriggerEvent)
class TriggerEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "change", "contact", "fired", "why")
    list_filter = ("fired", "kind", "change__what")
    list_select_related = ("change",)
    search_fields = ("=appointment__id", "why", *CONTACT)
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TriggerEvent]:
        rows: QuerySet[TriggerEvent] = super().get_queryset(request)
        return rows.select_related("contact").prefetch_related("contact__emails")


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ("contact", "campaign", "appointment", "created_at", "withdrawn_at", "withdrawn_why")
    list_filter = ("campaign", ("withdrawn_at", admin.EmptyFieldListFilter))
    search_fields = ("=appointment__id", "campaign__name", *CONTACT)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Enrolment]:
        rows: QuerySet[Enrolment] = super().get_queryset(request)
        related = rows.select_related("contact", "campaign", "appointment")
        return related.prefetch_related("contact__emails")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("due_at", "state", "recipient", "subject", "campaign", "attempts", "not_before", "why")
    list_filter = ("state", "step__medium", "enrolment__campaign")
    list_select_related = ("enrolment__campaign",)
    search_fields = ("recipient", "subject", "message_id", "why", *(f"enrolment__{name}" for name in CONTACT))
    date_hierarchy = "due_at"
    exclude = ("body_html",)

    @admin.display(ordering="enrolment__campaign__name")
    def campaign(self, message: Message) -> str:
        return message.enrolment.campaign.name


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("due_at", "kind", "state", "recipient", "subject", "attempts", "not_before", "why")
    list_filter = ("kind", "state", "is_own_doing", "appointment__calendar")
    search_fields = ("=appointment__id", "recipient", "subject", "message_id", "why", *CONTACT)
    date_hierarchy = "due_at"
    exclude = ("body_html",)
