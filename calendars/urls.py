from django.urls import URLPattern, URLResolver, path

from calendars.views import (
    agenda,
    appointments,
    booking_page,
    ledger,
    managing,
    settings_calendars,
    settings_hours,
    settings_profile,
)

app_name = "calendars"
urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/profile/", settings_profile.profile, name="profile"),
    path("settings/profile/effect/", settings_profile.profile_effect, name="profile_effect"),
    path("settings/profile/apply/", settings_profile.profile_apply, name="profile_apply"),
    path("settings/profile/calendars/<int:pk>/", settings_profile.unassigned, name="unassigned"),
    path(
        "settings/profile/calendars/<int:pk>/apply/",
        settings_profile.unassigned_apply,
        name="unassigned_apply",
    ),
    path(
        "settings/profile/calendars/<int:pk>/effect/",
        settings_profile.unassigned_effect,
        name="unassigned_effect",
    ),
    path("settings/calendars/", settings_calendars.calendars, name="calendars"),
    path("settings/calendars/new/", settings_calendars.calendar_new, name="calendar_new"),
    path("settings/calendars/<int:pk>/", settings_calendars.calendar, name="calendar_settings"),
    path("settings/calendars/<int:pk>/switch/", settings_calendars.calendar_switch, name="calendar_switch"),
    path("settings/calendars/<int:pk>/hours/", settings_hours.hours, name="hours"),
    path(
        "settings/calendars/<int:pk>/hours/<int:membership>/",
        settings_hours.member_hours,
        name="member_hours",
    ),
    path("agenda/", agenda.agenda, name="agenda"),
    path("agenda/feed/", agenda.agenda_feed, name="agenda_feed"),
    path("agenda/events/<int:pk>/", agenda.event, name="event"),
    path("agenda/ledger/", ledger.ledger, name="ledger"),
    path("agenda/events/<int:pk>/again/", ledger.again, name="again"),
    path("agenda/events/<int:pk>/decide/", ledger.decide, name="decide"),
    path("agenda/pulls/<int:pk>/", ledger.braked, name="braked"),
    path("agenda/block/", appointments.block_time, name="block_time"),
    path("agenda/block/<int:pk>/", appointments.blocked_time, name="blocked_time"),
    path("calendars/<int:pk>/", agenda.calendar, name="calendar"),
    path("book/appointments/<str:token>/", managing.manage, name="manage"),
    path("book/appointments/<str:token>/move/", managing.move, name="manage_move"),
    path("book/appointments/<str:token>/cancel/", managing.cancel, name="manage_cancel"),
    path("book/appointments/<str:token>/appointment.ics", managing.calendar_file, name="manage_file"),
    path("book/<slug:slug>/", booking_page.booking, name="booking"),
    path("book/<slug:slug>/<str:stamp>/", booking_page.details, name="booking_details"),
    path("appointments/new/", appointments.book, name="book"),
    path("appointments/<uuid:pk>/move/", appointments.reschedule, name="reschedule"),
    path("appointments/<uuid:pk>/status/", appointments.status, name="status"),
]
