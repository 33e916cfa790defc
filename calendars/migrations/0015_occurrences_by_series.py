from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calendars", "0014_where_an_event_was")]

    operations = [
        migrations.AddIndex(
            "googleevent",
            models.Index(fields=["google_calendar", "recurring_event_id"], name="google_event_occurrences"),
        ),
    ]
