"""The operations desk for people and appointments.

Appointments are shown, not edited: only the booking verbs write the AppointmentChange each change must leave.
"""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from contacts.forms import ReachForm
from contacts.models import (
    Activity,
    Appointment,
    AppointmentChange,
    AppointmentGuest,
    AppointmentHost,
    Contact,
    ContactEmail,
    ContactPhone,
    Note,
    Tag,
    User,
    UserAddress,
)

admin.site.unregister(Group)


class ReadOnly:
    """Mixed into admins of rows that a verb owns: shown and searched here, changed elsewhere."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class PersonCreationForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class PersonChangeForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


class UserAddressInline(TabularInline):
    model = UserAddress
    extra = 0


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # unfold has no types
    form = PersonChangeForm
    add_form = PersonCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "first_name", "last_name", "addresses__address")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Person", {"fields": ("first_name", "last_name")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)
    inlines: ClassVar = [UserAddressInline]


@admin.register(Group)
class TeamAdmin(GroupAdmin, ModelAdmin):
    pass


@admin.register(UserAddress)
class UserAddressAdmin(ModelAdmin):
    list_display = ("address", "user")
    list_select_related = ("user",)
    search_fields = ("address", "user__email")
    autocomplete_fields = ("user",)


class ContactEmailInline(TabularInline):
    model = ContactEmail
    form = ReachForm
    extra = 0


class ContactPhoneInline(TabularInline):
    model = ContactPhone
    form = ReachForm
    extra = 0


@admin.register(Contact)
class ContactAdmin(SimpleHistoryAdmin, ModelAdmin):
    list_display = ("name", "company", "owner", "source", "archived_at", "created_at")
    list_filter = ("source", "tags", ("archived_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("first_name", "last_name", "company", "emails__address", "phones__number")
    autocomplete_fields = ("owner", "tags")
    readonly_fields = ("created_at", "updated_at")
    inlines: ClassVar = [ContactEmailInline, ContactPhoneInline]
    actions: ClassVar = ["archive", "restore"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        found: QuerySet[Contact] = super().get_queryset(request)
        return found.prefetch_related("emails")

    @admin.action(description="Archive the chosen contacts")
    def archive(self, request: HttpRequest, contacts: QuerySet[Contact]) -> None:
        done = contacts.filter(archived_at=None).update(archived_at=timezone.now())
        self.message_user(request, f"{done} archived.")

    @admin.action(description="Restore the chosen contacts")
    def restore(self, request: HttpRequest, contacts: QuerySet[Contact]) -> None:
        done = contacts.exclude(archived_at=None).update(archived_at=None)
        self.message_user(request, f"{done} restored.")


@admin.register(Tag)
class TagAdmin(ModelAdmin):
    search_fields = ("name",)


@admin.register(ContactEmail)
class ContactEmailAdmin(ModelAdmin):
    form = ReachForm
    list_display = ("address", "contact_id", "is_primary", "undeliverable_at", "undeliverable_why")
    search_fields = ("address",)
    autocomplete_fields = ("contact",)


@admin.register(ContactPhone)
class ContactPhoneAdmin(ModelAdmin):
    form = ReachForm
    list_display = ("number", "contact_id", "is_primary", "undeliverable_at", "undeliverable_why")
    search_fields = ("number",)
    autocomplete_fields = ("contact",)


@admin.register(Note)
class NoteAdmin(ModelAdmin):
    list_display = ("__str__", "contact_id", "author", "created_at")
    list_select_related = ("author",)
    search_fields = ("text",)
    autocomplete_fields = ("contact", "author")


@admin.register(Activity)
class ActivityAdmin(ModelAdmin):
    list_display = ("text", "contact_id", "by", "at")
    list_select_related = ("by",)
    search_fields = ("text",)
    autocomplete_fields = ("contact", "by")
    readonly_fields = ("at",)


class HostInline(ReadOnly, TabularInline):
    model = AppointmentHost
    extra = 0


class GuestInline(ReadOnly, TabularInline):
    model = AppointmentGuest
    extra = 0


class ChangeInline(ReadOnly, TabularInline):
    model = AppointmentChange
    fk_name = "appointment"
    fields = readonly_fields = ("at", "revision", "what", "origin", "by", "fires", "why", "looked_at")
    extra = 0


@admin.register(Appointment)
class AppointmentAdmin(ReadOnly, ModelAdmin):
    list_display = ("starts_at", "contact_id", "calendar", "owner", "status", "origin", "revision")
    list_filter = ("status", "origin", "calendar")
    list_select_related = ("calendar", "owner")
    show_full_result_count = False
    date_hierarchy = "starts_at"
    search_fields = ("id", "title", "ical_uid", "contact__last_name", "contact__emails__address")
    inlines: ClassVar = [HostInline, GuestInline, ChangeInline]
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}


@admin.register(AppointmentHost)
class AppointmentHostAdmin(ReadOnly, ModelAdmin):
    list_display = ("appointment_id", "user")
    list_select_related = ("user",)
    search_fields = ("appointment__id", "user__email")


@admin.register(AppointmentGuest)
class AppointmentGuestAdmin(ReadOnly, ModelAdmin):
    list_display = ("appointment_id", "contact_id", "address")
    search_fields = ("appointment__id", "address")


@admin.register(AppointmentChange)
class AppointmentChangeAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "appointment_id", "revision", "what", "origin", "by", "fires", "why", "looked_at")
    list_filter = ("what", "origin", "fires", ("looked_at", admin.EmptyFieldListFilter))
    list_select_related = ("by",)
    search_fields = ("appointment__id", "why")
    show_full_result_count = False
