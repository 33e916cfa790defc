"""Moments from PostgreSQL, read by the library's parser."""

import datetime
from collections.abc import Iterator

import environ
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler, DataError, OperationalError
from pytest_django import DjangoDbBlocker

from tests import databases

NEPAL = "Asia/Kathmandu"


def opened(**settings: object) -> BaseDatabaseWrapper:
    address = environ.Env.db_url_config(f"{databases.POSTGRES}/postgres")
    return ConnectionHandler({"default": {**address, **settings}})["default"]


@pytest.fixture
def connection(django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    connection = opened()
    with django_db_blocker.unblock():
        try:
            connection.ensure_connection()
        except OperationalError:
            pytest.skip("No PostgreSQL server to test on (TEST_POSTGRES_URL).")
        yield connection
        connection.close()


def told(connection: BaseDatabaseWrapper, literal: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [literal])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("2026-11-30 02:28:04.499143+00", (2026, 11, 30, 2, 28, 4, 499143)),
        ("2026-11-30 02:28:04.49+00", (2026, 11, 30, 2, 28, 4, 490000)),
        ("2026-11-30 02:28:04+02", (2026, 11, 30, 0, 28, 4)),
        ("0001-01-01 00:00:00+00", (1, 1, 1)),
        ("9999-12-31 23:59:59.999999+00", (9999, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_a_moment_is_read_in_utc_to_the_microsecond(
    connection: BaseDatabaseWrapper, literal: str, expected: tuple[int, ...]
) -> None:
    found = told(connection, literal)
    assert isinstance(found, datetime.datetime)
    assert (found, found.tzinfo) == (datetime.datetime(*expected, tzinfo=datetime.UTC), datetime.UTC)  # type: ignore[arg-type,misc]  # numbers alone


@pytest.mark.parametrize("literal", ["infinity", "12026-11-30 00:00+00", "0044-03-15 12:00+00 BC"])
def test_what_python_cannot_hold_is_refused_in_words(connection: BaseDatabaseWrapper, literal: str) -> None:
    with pytest.raises(DataError, match="timestamp"):
        told(connection, literal)


def test_a_connection_in_another_zone_is_read_in_that(connection: BaseDatabaseWrapper) -> None:
    elsewhere = opened(TIME_ZONE=NEPAL)
    found = told(elsewhere, "2026-11-30 02:28:04+00")
    elsewhere.close()
    assert isinstance(found, datetime.datetime)
    assert str(found) == "2026-11-30 08:13:04+05:45"
