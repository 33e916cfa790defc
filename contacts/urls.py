from django.urls import URLPattern, URLResolver, path

from contacts import views

app_name = "contacts"
urlpatterns: list[URLPattern | URLResolver] = [
    path("contacts/", views.contacts, name="contacts"),
    path("contacts/new/", views.contact_new, name="contact_new"),
    path("contacts/<int:pk>/", views.contact, name="contact"),
    path("contacts/<int:pk>/edit/", views.contact_edit, name="contact_edit"),
    path("contacts/<int:pk>/notes/", views.note_add, name="note_add"),
    path("contacts/<int:pk>/archive/", views.contact_archive, name="contact_archive"),
    path("contacts/<int:pk>/emails/<int:row>/again/", views.email_again, name="email_again"),
    path("contacts/<int:pk>/phones/<int:row>/again/", views.phone_again, name="phone_again"),
    path("appointments/<uuid:pk>/", views.appointment, name="appointment"),
]
