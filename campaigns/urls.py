from django.urls import URLPattern, URLResolver, path

from campaigns import trigger_pages, unsubscribe_pages, views

app_name = "campaigns"
urlpatterns: list[URLPattern | URLResolver] = [
    path("campaigns/", views.campaigns, name="campaigns"),
    path("campaigns/new/", views.campaign_new, name="campaign_new"),
    path("campaigns/preview/", views.preview, name="preview"),
    path("campaigns/<int:pk>/", views.campaign, name="campaign"),
    path("campaigns/<int:pk>/switch/", views.switch, name="switch"),
    path("campaigns/unsubscribe/<str:token>/", unsubscribe_pages.unsubscribe, name="unsubscribe"),
    path("contacts/<int:pk>/resubscribe/", unsubscribe_pages.resubscribe, name="resubscribe"),
    path("campaigns/triggers/", trigger_pages.log, name="trigger_log"),
    path("campaigns/triggers/fire/", trigger_pages.fire, name="fire"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/<int:pk>/", views.message, name="message"),
    path("outbox/<int:pk>/as-mail/", views.message_as_mail, name="message_as_mail"),
    path("outbox/notices/<int:pk>/", views.notice, name="notice"),
    path("outbox/notices/<int:pk>/as-mail/", views.notice_as_mail, name="notice_as_mail"),
]
