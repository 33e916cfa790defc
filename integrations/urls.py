from django.urls import path

from integrations import views, webhook

app_name = "integrations"
urlpatterns = [
    path("integrations/google/notify/", webhook.notify, name="notify"),
    path("settings/integrations/", views.integrations, name="integrations"),
    path("settings/integrations/google/connect/", views.connect, name="connect"),
    path("settings/integrations/google/callback/", views.callback, name="callback"),
    path("settings/integrations/<int:pk>/", views.account, name="account"),
    path("settings/integrations/<int:pk>/sync/", views.sync_now, name="sync_now"),
    path("settings/integrations/<int:pk>/reconnect/", views.reconnect, name="reconnect"),
    path("settings/integrations/<int:pk>/calendars/", views.list_again, name="list_again"),
    path("settings/integrations/<int:pk>/disconnect/", views.disconnect, name="disconnect"),
]
