from django.urls import URLPattern, URLResolver, include, path

from campaigns import carrier_pages, mail_webhook, trigger_pages, twilio_webhook, unsubscribe_pages
from campaigns.views import editing, figures, listing, making, outbox, testing

app_name = "campaigns"
urlpatterns: list[URLPattern | URLResolver] = [
    path("campaigns/", listing.campaigns, name="campaigns"),
    path("campaigns/new/", editing.campaign_new, name="campaign_new"),
    path("campaigns/preview/", editing.preview, name="preview"),
    path("campaigns/<int:pk>/", editing.campaign, name="campaign"),
    path("campaigns/<int:pk>/switch/", listing.switch, name="switch"),
    path("campaigns/<int:pk>/figures/", figures.figures, name="figures"),
    path("campaigns/<int:pk>/figures.csv", figures.figures_file, name="figures_file"),
    path("campaigns/<int:pk>/endings.csv", figures.endings_file, name="endings_file"),
    path("campaigns/<int:pk>/copy/", making.copy, name="copy"),
    path("campaigns/<int:pk>/upcoming/", making.upcoming, name="upcoming"),
    path("campaigns/test/<slug:what>/", testing.trial, name="trial"),
    path("campaigns/unsubscribe/<str:token>/", unsubscribe_pages.unsubscribe, name="unsubscribe"),
    path("contacts/<int:pk>/resubscribe/", unsubscribe_pages.resubscribe, name="resubscribe"),
    path("campaigns/triggers/", trigger_pages.log, name="trigger_log"),
    path("campaigns/triggers/fire/", trigger_pages.fire, name="fire"),
    path("campaigns/triggers/fire-all/", trigger_pages.fire_all, name="fire_all"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:pk>/", outbox.message, name="message"),
    path("outbox/<int:pk>/as-mail/", outbox.message_as_mail, name="message_as_mail"),
    path("outbox/notices/<int:pk>/", outbox.notice, name="notice"),
    path("outbox/notices/<int:pk>/as-mail/", outbox.notice_as_mail, name="notice_as_mail"),
    path("outbox/<int:pk>/settled/", carrier_pages.message_settled, name="message_settled"),
    path("outbox/notices/<int:pk>/settled/", carrier_pages.notice_settled, name="notice_settled"),
    path("carriers/<str:medium>/again/", carrier_pages.carrier_again, name="carrier_again"),
    path("carriers/twilio/status/", twilio_webhook.status, name="twilio_status"),
    path("carriers/twilio/incoming/", twilio_webhook.incoming, name="twilio_incoming"),
    path("carriers/mail/", include(mail_webhook.urlpatterns)),
]
