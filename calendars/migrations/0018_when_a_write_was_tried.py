from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calendars", "0017_decision_of_who_restores")]

    operations = [
        migrations.AddField("pushtarget", "tried_at", models.DateTimeField(blank=True, null=True)),
    ]
