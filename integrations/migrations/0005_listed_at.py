from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0004_refused_calendars")]

    operations = [
        migrations.AddField(
            "googleaccount",
            "listed_at",
            models.DateTimeField(
                blank=True, help_text="when Google last told which calendars it has", null=True
            ),
        ),
    ]
