from django.db import migrations, models


def of_what_is_known(apps, schema_editor):
    events = apps.get_model("calendars", "GoogleEvent").objects
    events.filter(outcome="cancelled").update(gone_at=models.F("seen_at"))
    left = events.exclude(status="cancelled").filter(outcome__in=["block", "free"])
    left.filter(appointment__status__in=["cancelled", "invalid"]).update(is_left=True)


class Migration(migrations.Migration):
    dependencies = [("calendars", "0013_others_read_at")]

    operations = [
        migrations.AddField("googleevent", "gone_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("googleevent", "is_left", models.BooleanField(default=False, db_default=False)),
        migrations.AlterField(
            "googleevent",
            "seen_at",
            models.DateTimeField(blank=True, help_text="when Google last told us of it", null=True),
        ),
        migrations.RunPython(of_what_is_known, migrations.RunPython.noop),
    ]
