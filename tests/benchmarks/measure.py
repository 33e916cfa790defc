"""`python -m tests.benchmarks.measure delivering`: the figures of one part, on the database of DATABASE_URL, as JSON.

The database is migrated and holds nothing else: what another part left behind would be measured too.
"""

import dataclasses
import importlib
import json
import sys
import time

import django

# Each a module of this folder, whose `measure` answers with its figures.
PARTS = (
    "planning",
    "offering",
    "visiting",
    "importing",
    "pulling",
    "sweeping",
    "counting",
    "delivering",
)


def main(part: str) -> None:
    django.setup()
    # Only now: it imports models.
    module = importlib.import_module(f"tests.benchmarks.{part}")
    start = time.perf_counter()
    figures = [dataclasses.asdict(figure) for figure in module.measure()]
    print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
