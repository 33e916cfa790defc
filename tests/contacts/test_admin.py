import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from contacts.models import Contact, User
from tests.desk import booked
from tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
MODELS = [model for model in apps.get_app_config("contacts").get_models() if admin.site.is_registered(model)]


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@x.org", "correct horse"))
    return client


def test_every_model_of_contacts_is_in_the_admin() -> None:
    shown = {model.__name__ for model in MODELS}
    assert {model.__name__ for model in apps.get_app_config("contacts").get_models()} - shown == {
        "HistoricalContact"
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_list_of_each_model_opens_and_searches(desk: Client, model: type[Model]) -> None:
    booked(UserFactory.create(), contact=ContactFactory.create(address="ann@x.org"))
    path = f"/admin/contacts/{model._meta.model_name}/"
    assert desk.get(path).status_code == 200
    assert desk.get(path, {"q": "ann"}).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_add_page_opens_where_rows_may_be_added_by_hand(desk: Client, model: type[Model]) -> None:
    owned_by_verbs = model.__name__.startswith("Appointment")
    status = desk.get(f"/admin/contacts/{model._meta.model_name}/add/").status_code
    assert status == (403 if owned_by_verbs else 200)


def test_an_appointment_is_shown_and_cannot_be_changed(desk: Client) -> None:
    appointment = booked(UserFactory.create())
    path = f"/admin/contacts/appointment/{appointment.pk}/change/"
    assert desk.get(path).status_code == 200
    assert desk.post(path, {"status": "invalid"}).status_code == 403
    appointment.refresh_from_db()
    assert appointment.status == "new"


def test_a_user_is_added_with_a_password_that_signs_them_in(desk: Client) -> None:
    words = {"email": "New@X.org", "password1": "long enough 12", "password2": "long enough 12"}
    inline = {"addresses-TOTAL_FORMS": "0", "addresses-INITIAL_FORMS": "0"}
    desk.post("/admin/contacts/user/add/", {**words, "usable_password": "true", **inline})
    user = User.objects.get(email="new@x.org")
    assert user.check_password("long enough 12")
    assert desk.get(f"/admin/contacts/user/{user.pk}/change/").status_code == 200
    assert desk.get(f"/admin/contacts/user/{user.pk}/password/").status_code == 200


def test_the_admin_is_for_staff() -> None:
    client = Client()
    client.force_login(UserFactory.create())
    assert client.get("/admin/contacts/contact/").status_code == 302


def test_archiving_in_the_admin_keeps_the_rows(desk: Client) -> None:
    contact = ContactFactory.create()
    chosen = {"action": "archive", "_selected_action": [contact.pk]}
    desk.post("/admin/contacts/contact/", chosen)
    assert Contact.objects.get().archived_at is not None
    desk.post("/admin/contacts/contact/", chosen | {"action": "restore"})
    assert Contact.objects.get().archived_at is None
