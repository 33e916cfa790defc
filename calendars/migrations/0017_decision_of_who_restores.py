from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calendars", "0016_unheard_writes")]

    operations = [
        migrations.AlterField(
            "googleevent",
            "decision",
            models.CharField(
                blank=True,
                choices=[
                    ("", "None"),
                    ("make", "Make an appointment"),
                    ("private", "Keep as private block"),
                    ("undone", "Undone"),
                    ("keep", "Keep the appointment"),
                    ("restored", "Brought back here"),
                ],
                default="",
                max_length=8,
            ),
        ),
    ]
