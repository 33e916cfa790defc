from django.urls import URLPattern, URLResolver, include, path

from campaigns import carrier_pages, mail_webhook, trigger_pages, twilio_webhook, unsubscribe_pages, views

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
    path("outbox/<int:pk>/settled/", carrier_pages.message_settled, name="message_settled"),
    path("outbox/notices/<int:pk>/settled/", carrier_pages.notice_settled, name="notice_settled"),
    path("carriers/<str:medium>/again/", carrier_pages.carrier_again, name="carrier_again"),
    path("carriers/twilio/status/", twilio_webhook.status, name="twilio_status"),
    path("carriers/twilio/incoming/", twilio_webhook.incoming, name="twilio_incoming"),
    path("carriers/mail/", include(mail_webhook.urlpatterns)),
]
