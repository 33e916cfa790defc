from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calendars', '0010_decision_to_keep'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='googleevent',
            name='decides_series',
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name='googleevent',
            index=models.Index(condition=models.Q(('decides_series', True)), fields=['google_calendar'], name='google_event_series'),
        ),
    ]
