"""What delivery asks of a kind of row that leaves: how to read it, what speaks against it, and what it says."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from campaigns.delivery.writing import Condition
from campaigns.models import Outgoing, OutgoingQuerySet
from campaigns.transports import Letter
from contacts.models import Appointment, Contact, ContactEmail, ContactPhone

RowT = TypeVar("RowT", bound=Outgoing)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row in this sweep. `about`: the campaign, or the kind of notice."""

    pk: int
    due_at: datetime.datetime
    about: str
    recipient: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a row is not sent, and whether it is left out (skipped) or has lost its reason (void)."""

    state: str
    why: str


class Mailing(ABC, Generic[RowT]):
    model: ClassVar[type[Outgoing]]
    # Keys of `TRANSPORTS`: what its rows may leave by.
    mediums: ClassVar[tuple[str, ...]]

    @abstractmethod
    def rows(self) -> OutgoingQuerySet[RowT]:
        """Every row there is."""

    @abstractmethod
    def read(self, pks: Collection[int]) -> list[RowT]:
        """Those rows in due order, with all that checking and rendering read: as many statements as for one."""

    @abstractmethod
    def addressee(self, row: RowT) -> Contact: ...

    @abstractmethod
    def appointment(self, row: RowT) -> Appointment: ...

    @abstractmethod
    def about(self, row: RowT) -> str:
        """What it belongs to, in a word or two."""

    @abstractmethod
    def objection(self, row: RowT, now: datetime.datetime) -> Objection | None:
        """Everything that may have changed since it was planned. Raises TryLater while that cannot be told."""

    @abstractmethod
    def letter(self, row: RowT, now: datetime.datetime) -> Letter:
        """What leaves. Raises NotRenderable."""

    @abstractmethod
    def still(self, row: RowT, letter: Letter) -> Condition:
        """What must hold in the database for `objection` to find what it found: asked as `letter` is begun."""

    @abstractmethod
    def by_mediums(self, rows: OutgoingQuerySet[RowT], mediums: list[str]) -> OutgoingQuerySet[RowT]:
        """Those of `rows` that leave by one of `mediums`. Joins nothing, so that they can be locked."""

    def has_rivals(self, row: RowT) -> bool:
        """Whether another row of its appointment could be its repeat at the same address."""
        return False

    def bears_on(self, row: RowT) -> Hashable:
        """Rows of one batch with the same are read one by one, for what became of those before counts."""
        pk: int = row.pk
        return pk

    def also_kept(self, row: RowT, letter: Letter) -> dict[str, object]:
        """What is recorded of a letter on its way beside what every row keeps."""
        return {}


AnyMailing = Mailing[Any]


def unreachable(email: ContactEmail | None) -> str:
    """Why the best address of a contact gets nothing; "" when it does."""
    if email is None:
        return "The contact has no e-mail address."
    is_marked = email.undeliverable_at is not None
    return f"The address is marked as undeliverable: {email.undeliverable_why}" if is_marked else ""


def unreachable_by_phone(phone: ContactPhone | None) -> str:
    if phone is None:
        return "The contact has no phone number."
    is_marked = phone.undeliverable_at is not None
    return f"The number is marked as undeliverable: {phone.undeliverable_why}" if is_marked else ""
