"""`python -m tests.benchmarks.measure`: every figure on the database of DATABASE_URL, which must be empty, as JSON."""

import dataclasses
import json
import sys
import time

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    # Only now: these import models.
    from tests.benchmarks import (  # noqa: PLC0415
        counting,
        delivering,
        importing,
        offering,
        planning,
        pulling,
        sweeping,
        visiting,
    )

    figures = []
    for part in (
        planning.measure,
        offering.measure,
        visiting.measure,
        importing.measure,
        pulling.measure,
        sweeping.measure_accounts,
        counting.measure,
        delivering.measure,
    ):
        call_command("flush", verbosity=0, interactive=False)
        start = time.perf_counter()
        figures += [dataclasses.asdict(figure) for figure in part()]
        print(f"{part.__module__}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
