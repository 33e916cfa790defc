"""The trigger log, newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_carriers_and_reports")]

    operations = [
        migrations.AddIndex(
            model_name="triggerevent",
            index=models.Index(fields=["-at", "-id"], name="trigger_log"),
        ),
    ]
