"""Every page wears the same frame: a title, one heading, a way to skip to the content, nothing inline."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from contacts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def _fresh_rate_limits() -> None:
    cache.clear()


@pytest.fixture
def user() -> User:
    return User.objects.create_user("dana@example.com", PASSWORD, first_name="Dana", last_name="Whitfield")


def assert_framed(html: str) -> None:
    assert re.search(r"<title>\s*[^<\s][^<]* · Tandem</title>", html)
    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert 'class="skip-link" href="#main"' in html
    assert html.count('<main id="main"') == 1
    assert 'content="noindex' in html
    assert not re.search(r'\sstyle="|\son(click|load|submit|change)="', html)


PUBLIC = [
    "account_login",
    "account_reset_password",
    "account_reset_password_done",
    "account_signup",
    "account_inactive",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_page_before_sign_in_wears_the_frame(client: Client, name: str) -> None:
    response = client.get(reverse(name))
    assert response.status_code in (200, 401)
    assert_framed(response.content.decode())


OWN = [
    "mfa_index",
    "account_change_password",
    "account_logout",
    "account_reauthenticate",
    "calendars:profile",
]


@pytest.mark.parametrize("name", OWN)
def test_a_page_after_sign_in_wears_the_frame(client: Client, user: User, name: str) -> None:
    client.force_login(user)
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert_framed(response.content.decode())


def test_a_page_that_is_not_there_says_so_in_the_frame(client: Client) -> None:
    response = client.get("/nothing/here/")
    assert response.status_code == 404
    assert_framed(response.content.decode())
    assert "Nothing here" in response.content.decode()


def test_signing_in_leads_to_the_agenda_and_the_menu_offers_to_sign_out(client: Client, user: User) -> None:
    response = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert response.status_code == 302
    assert response["Location"] == "/agenda/"
    page = client.get(reverse("mfa_index")).content.decode()
    assert f'<form method="post" action="{reverse("account_logout")}"' in page
    client.post(reverse("account_logout"))
    assert client.get(reverse("mfa_index")).status_code == 302


def test_whoever_signed_in_can_set_up_a_second_step(client: Client, user: User) -> None:
    # Signing in notes the address as not verified; an admin gave it, so that must not stand in the way.
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    assert page.status_code == 200
    assert_framed(page.content.decode())


def test_the_sixth_wrong_password_is_refused_before_it_is_tried(client: Client, user: User) -> None:
    for _ in range(5):
        client.post(reverse("account_login"), {"login": user.email, "password": "wrong"})
    response = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert response.status_code == 200
    assert "Too many failed" in response.content.decode()


def test_too_many_tries_of_one_machine_get_our_own_page(client: Client) -> None:
    for _ in range(30):
        client.post(reverse("account_login"), {})
    response = client.post(reverse("account_login"), {})
    assert response.status_code == 429
    assert_framed(response.content.decode())
    assert "Too many tries" in response.content.decode()


def test_the_sign_in_page_offers_demo_people_only_in_a_local_run(client: Client, settings: object) -> None:
    settings.DEMO_SIGN_INS = [("dana@example.com", "demo", "Dana, physiotherapist")]  # type: ignore[attr-defined]  # pytest-django's settings
    assert "Dana, physiotherapist" not in client.get(reverse("account_login")).content.decode()
    settings.DEBUG = True  # type: ignore[attr-defined]  # pytest-django's settings
    assert "Dana, physiotherapist" in client.get(reverse("account_login")).content.decode()


def test_google_is_offered_only_when_it_is_configured(client: Client, settings: object) -> None:
    assert "Continue with Google" not in client.get(reverse("account_login")).content.decode()
    app = {"client_id": "an-id", "secret": "a-secret", "key": ""}
    settings.SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": [app]}}  # type: ignore[attr-defined]  # pytest-django's settings
    assert "Continue with Google" in client.get(reverse("account_login")).content.decode()


def test_the_page_for_a_failure_depends_on_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("django.views.generic.base.RedirectView.get", broken)
    client.force_login(User.objects.create_user("amir@example.com", PASSWORD))
    response = client.get(reverse("home"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
