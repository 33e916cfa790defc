"""Pages of long lists that never count the whole list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

ModelT = TypeVar("ModelT", bound=Model)

PAGE_SIZE = 50
LAST_PAGE = 2000
COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[ModelT]):
    rows: list[ModelT]
    number: int
    has_next: bool
    # How many there are; `COUNTED` at most, and then `is_exact` is false.
    known: int
    is_exact: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def _as_they_are(rows: QuerySet[ModelT], most: int) -> QuerySet[ModelT]:
    return rows


def page_of(
    rows: QuerySet[ModelT],
    number: str | None,
    *,
    size: int = PAGE_SIZE,
    head: Callable[[QuerySet[ModelT], int], QuerySet[ModelT]] = _as_they_are,
) -> Page[ModelT]:
    """Page `number` (as it came in the address; anything unreadable is page 1) of an ordered queryset.

    Whether there is a next page is known by one row more. The count stops at `COUNTED`: on 100,000 rows an
    exact one costs more than the page itself. `head(rows, most)`: a queryset that begins with the same `most` rows
    and that the database reads faster.
    """
    at = min(max(int(number), 1), LAST_PAGE) if number and number.isdecimal() else 1
    start = (at - 1) * size
    found = list(head(rows, start + size + 1)[start : start + size + 1])
    if (found or at == 1) and len(found) <= size and start + len(found) <= COUNTED:
        # The last page tells the number by itself: a search that finds little need not be made twice.
        known = start + len(found)
    else:
        # Only keys: what the page shows beside them would be computed for every row counted.
        known = rows.order_by().values("pk")[: COUNTED + 1].count()
    return Page(
        rows=found[:size],
        number=at,
        has_next=len(found) > size,
        known=min(known, COUNTED),
        is_exact=known <= COUNTED,
    )
