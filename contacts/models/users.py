"""The people who work here. Their e-mail address is their login."""

from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models

from contacts.fields import AddressField, normalise_address


class PeopleManager(UserManager["User"]):
    """Creates users by address; there are no user names."""

    def create_user(  # type: ignore[override]  # by address, not by name
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        """A new user who signs in as `email`. Raises ValueError without an address."""
        if not email:
            raise ValueError("A user needs an e-mail address: it is their login.")
        user = self.model(email=normalise_address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(  # type: ignore[override]  # by address, not by name
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_address(username or ""))


class User(AbstractUser):
    username = None  # type: ignore[assignment]  # Django's base declares a str
    email = AddressField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []  # noqa: RUF012 (Django's own declaration)

    objects = PeopleManager()  # type: ignore[misc]  # the base has its own manager

    class Meta:
        ordering = ("first_name", "last_name", "email")

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @property
    def initials(self) -> str:
        letters = [name[0] for name in (self.first_name, self.last_name) if name]
        return "".join(letters).upper() or self.email[0].upper()


class UserAddress(models.Model):
    """A further address of a user (an alias), so that it is never taken for a guest's."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    address = AddressField(unique=True)

    class Meta:
        verbose_name_plural = "user addresses"

    def __str__(self) -> str:
        return self.address
