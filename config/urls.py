"""The site map: one include an app, then what no app owns (sign-in, admin, health, the front door)."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from config import health

# /admin/login/ is outside allauth's rate limits and second factor unless it is wrapped.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="calendars:agenda"), name="home"),
    path("", include("calendars.urls")),
    path("", include("contacts.urls")),
    path("", include("integrations.urls")),
    path("", include("campaigns.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", login_not_required(health.healthz), name="healthz"),
    path("healthz/", login_not_required(health.healthz)),
    path("readyz", login_not_required(health.readyz), name="readyz"),
]
