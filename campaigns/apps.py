from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        # Importing receivers any earlier would load models before the registry is full.
        from campaigns import checks, mail_reports, receivers  # noqa: F401, PLC0415 (models are ready only now)

        receivers.connect()
        mail_reports.connect()
