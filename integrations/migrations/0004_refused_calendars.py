from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_queued_accounts")]

    operations = [
        migrations.AddField("googlecalendar", "refused_at", models.DateTimeField(blank=True, null=True)),
    ]
