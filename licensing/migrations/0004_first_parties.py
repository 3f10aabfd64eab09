"""The two parties that every house has: everybody, and the platform."""

from datetime import UTC, datetime

from django.db import migrations

from licensing.domain.parties import PLATFORM_PARTY_ID, PUBLIC_PARTY_ID

PARTIES = [
    (PUBLIC_PARTY_ID, "public", {"zh-Hans": "公众", "en": "The public"}),
    (PLATFORM_PARTY_ID, "platform", {"zh-Hans": "文市平台", "en": "Wenshi, the platform"}),
]


def add(apps, schema_editor):
    party = apps.get_model("licensing", "Party")
    for party_id, kind, name in PARTIES:
        party.objects.create(id=party_id, kind=kind, name=name, created_at=datetime.now(UTC))


def remove(apps, schema_editor):
    schema_editor.execute("DELETE FROM licensing_party WHERE id = ANY(%s)", [[row[0] for row in PARTIES]])


class Migration(migrations.Migration):
    dependencies = [("licensing", "0003_grant_numbers")]

    operations = [migrations.RunPython(add, remove)]
