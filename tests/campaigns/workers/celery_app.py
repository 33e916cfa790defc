"""The product's own Celery app, whose letters end outside: `celery -A tests.campaigns.workers.celery_app worker`."""

from celery.signals import worker_process_init

from config.celery import app

__all__ = ["app"]


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def on_start(**kwargs: object) -> None:
    from tests.campaigns.workers.outside import carry_all

    carry_all(seconds=0.2)
