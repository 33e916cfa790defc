"""How things are measured here: the shortest of a few tries, statements as they reach the database, and the table."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection, reset_queries

Work = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One line of the table. `held` is None where the figure is a time, on which no test may fail."""

    key: str
    what: str
    value: float
    unit: str = ""
    target: str = ""
    held: bool | None = None

    @property
    def shown(self) -> str:
        digits = (
            f"{self.value:,.0f}"
            if self.value >= 100 or self.value == int(self.value)
            else f"{self.value:.2f}"
        )
        return f"{digits}{self.unit}"


def seconds(work: Work) -> float:
    """How long `work` took, without the garbage of what ran before."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(work: Work, *, tries: int = 3) -> float:
    return min(seconds(work) for _ in range(tries))


@dataclass
class Statements:
    sql: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sql)


@contextmanager
def statements() -> Iterator[Statements]:
    """What reaches the database inside, savepoints and transactions included."""
    seen = Statements()
    connection.force_debug_cursor = True
    reset_queries()
    try:
        yield seen
    finally:
        connection.force_debug_cursor = False
        seen.sql = [query["sql"] for query in connection.queries_log]


def table(columns: dict[str, list[Figure]]) -> str:
    """The figures of each database side by side, by the order of the first that has them."""
    heads = ["", *columns, "target"]
    by_key = {name: {figure.key: figure for figure in figures} for name, figures in columns.items()}
    first = {figure.key: figure for figures in reversed(columns.values()) for figure in figures}
    order = list(dict.fromkeys(figure.key for figures in columns.values() for figure in figures))
    lines = [heads]
    for key in order:
        shown = [found[key].shown if key in found else "n/a" for found in by_key.values()]
        lines.append([first[key].what, *shown, first[key].target])
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    rows = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    rows.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(f"| {row} |" if at != 1 else f"|-{row}-|" for at, row in enumerate(rows))
