"""The operations desk for Google accounts: what sync owns is shown, tokens never appear, two verbs can be
called.
"""

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from integrations.disconnecting import disconnect_account
from integrations.models import Channel, GoogleAccount, GoogleCalendar
from integrations.syncing import request_sync


class Observed:
    """Mixed into admins of rows that Google and the sync own: looked at here, changed by their verbs."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class CalendarInline(Observed, TabularInline):
    model = GoogleCalendar
    fields = (
        "summary",
        "access_role",
        "is_primary",
        "last_pull_at",
        "next_pull_at",
        "failures",
        "last_error",
    )
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True


@admin.register(GoogleAccount)
class GoogleAccountAdmin(Observed, ModelAdmin):
    list_display = (
        "address",
        "user",
        "state",
        "last_pull_at",
        "last_push_at",
        "listed_at",
        "queue_length",
        "failures",
        "not_before",
    )
    list_filter = ("state",)
    list_select_related = ("user",)
    search_fields = ("address", "subject", "user__email", "user__first_name", "user__last_name")
    exclude = ("access_token", "refresh_token", "refresh_claimed_until")
    inlines: ClassVar = [CalendarInline]
    actions: ClassVar = ["sync_now", "disconnect"]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        # Disconnecting keeps what makes a reconnect double nothing; deleting the row would lose it.
        return False

    @admin.action(description="Sync now", permissions=["act"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[GoogleAccount]) -> None:
        due = sum(map(request_sync, queryset.filter(state=GoogleAccount.State.CONNECTED)))
        self.message_user(request, f"{due} calendars were made due.", messages.SUCCESS)

    @admin.action(description="Disconnect", permissions=["act"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[GoogleAccount]) -> None:
        accounts = list(queryset.exclude(state=GoogleAccount.State.DISCONNECTED))
        for account in accounts:
            disconnect_account(account)
        self.message_user(request, f"{len(accounts)} accounts were disconnected.", messages.SUCCESS)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Rows are not edited here, yet whoever may change accounts may call these verbs."""
        return request.user.has_perm("integrations.change_googleaccount")


@admin.register(GoogleCalendar)
class GoogleCalendarAdmin(Observed, ModelAdmin):
    list_display = (
        "summary",
        "account",
        "access_role",
        "last_pull_at",
        "next_pull_at",
        "failures",
        "refused_at",
        "gone_at",
    )
    list_filter = ("access_role", "is_primary", "account__state")
    list_select_related = ("account",)
    search_fields = ("summary", "google_id", "account__address")
    exclude = ("sync_token",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Channel)
class ChannelAdmin(Observed, ModelAdmin):
    list_display = (
        "google_calendar",
        "state",
        "last_message_at",
        "last_message_number",
        "renew_at",
        "expires_at",
        "attempts",
        "not_before",
        "last_error",
    )
    list_filter = ("state",)
    list_select_related = ("google_calendar__account",)
    search_fields = ("channel_id", "google_calendar__summary", "google_calendar__account__address")
    exclude = ("token_digest",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        # Without its row Google could not be asked to stop it.
        return False
