"""Two rules that Django cannot write: a line carries its offer's price, a posting its account's currency.

The foreign keys take the amount or the currency along, so no row can say another one. Order numbers come from a
sequence: some may be skipped, none comes twice, and no order waits for another.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_first_orders")]

    operations = [
        migrations.RunSQL(
            """
            ALTER TABLE settlement_orderline ADD CONSTRAINT line_price_of_its_offer
                FOREIGN KEY (offer_id, price_minor_units, currency)
                REFERENCES licensing_offer (id, price_minor_units, currency);
            """,
            "ALTER TABLE settlement_orderline DROP CONSTRAINT line_price_of_its_offer;",
        ),
        migrations.RunSQL(
            """
            ALTER TABLE settlement_posting ADD CONSTRAINT posting_currency_of_its_account
                FOREIGN KEY (account_id, currency) REFERENCES settlement_account (id, currency);
            """,
            "ALTER TABLE settlement_posting DROP CONSTRAINT posting_currency_of_its_account;",
        ),
        migrations.RunSQL("CREATE SEQUENCE settlement_order_number", "DROP SEQUENCE settlement_order_number"),
    ]
