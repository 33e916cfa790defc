"""The site map: one include an app, then what no app owns (sign-in, admin, health, the front door)."""

from allauth.account.decorators import secure_admin_login
from allauth.socialaccount.views import login_cancelled, login_error
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from config import health

# /admin/login/ is outside allauth's rate limits and second factor unless it is wrapped.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's way

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="calendars:agenda"), name="home"),
    path("", include("calendars.urls")),
    path("", include("contacts.urls")),
    path("", include("integrations.urls")),
    path("", include("campaigns.urls")),
    # allauth leaves these two behind the login, where whoever stopped at Google could never read them.
    path("accounts/social/login/cancelled/", login_not_required(login_cancelled)),
    path("accounts/social/login/error/", login_not_required(login_error)),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", login_not_required(health.healthz), name="healthz"),
    path("healthz/", login_not_required(health.healthz)),
    path("readyz", login_not_required(health.readyz), name="readyz"),
]
