from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calendars", "0015_occurrences_by_series")]

    operations = [
        migrations.AddField("pushtarget", "tried_starts_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("pushtarget", "tried_ends_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("pushtarget", "tried_end", models.BooleanField(default=False, db_default=False)),
    ]
