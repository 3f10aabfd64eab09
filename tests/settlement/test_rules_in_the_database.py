"""The rules of money that the database holds against everybody, tried with the application's login."""

import pytest
from django.db import DatabaseError, connection, transaction

from licensing.actions import grants
from settlement import queries
from settlement.actions import journal
from settlement.domain.postings import AccountKey, AccountKind, EntryKind, Posting
from settlement.models import Account, JournalEntry
from tests import factories
from tests.settlement import made
from tests.settlement.made import now

pytestmark = pytest.mark.django_db

APPEND_ONLY = ["account", "journalentry", "posting", "lineshare", "orderevent", "refundshare"]
KEPT = ["order", "orderline", "payment"]
PAYMENT = """
    INSERT INTO settlement_payment (id, order_id, provider, session_url, amount_minor_units, currency, state,
        created_at, polls, next_poll_at)
    VALUES (gen_random_uuid(), '{order}', 'stripe', '', {amount}, '{currency}', '{state}', now(), 0, now())
"""
ENTRY = """
    INSERT INTO settlement_journalentry (id, fact_key, kind, effective_at)
    VALUES ('{id}', 'fact {id}', '{kind}', now())
"""
POSTING = """
    INSERT INTO settlement_posting (entry_id, account_id, currency, amount_minor_units) VALUES {rows}
"""
ENTRY_ID = "00000000-0000-4000-8000-00000000e001"


def run(sql):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def refused(*statements, words):
    """Run statements and the deferred rules, and hold them to be refused in these words."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        for statement in statements:
            run(statement)
        run("SET CONSTRAINTS ALL IMMEDIATE")


def refused_at_commit(*statements, words):
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        for statement in statements:
            run(statement)


@pytest.fixture
def paid(sandbox):
    """A sale that is on the books."""
    return made.sold(sandbox)


def accounts():
    return {row.kind: row.pk for row in Account.objects.filter(currency="CNY")}


def rows(*amounts, currency="CNY", entry=ENTRY_ID):
    ids = list(accounts().values())
    return ", ".join(
        f"('{entry}', '{ids[number % len(ids)]}', '{currency}', {amount})"
        for number, amount in enumerate(amounts)
    )


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_was_written_is_never_changed_or_removed(table, paid):
    for statement in ("UPDATE {0} SET id = id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"):
        refused(statement.format(f"settlement_{table}"), words=r"permission denied|append-only")


@pytest.mark.parametrize("table", KEPT)
def test_orders_and_money_are_not_removed(table, paid):
    refused(f"DELETE FROM settlement_{table}", words="not removed")
    refused(f"TRUNCATE settlement_{table} CASCADE", words="permission denied")


@pytest.mark.parametrize("table", [*APPEND_ONLY, *KEPT])
def test_the_application_cannot_take_a_rule_away(table):
    refused(f"ALTER TABLE settlement_{table} DISABLE TRIGGER ALL", words="must be owner")
    refused(f"DROP TABLE settlement_{table} CASCADE", words="must be owner")


def test_a_one_sided_entry_is_refused(paid):
    refused(ENTRY.format(id=ENTRY_ID, kind="sale"), words="two postings or more")
    refused(
        ENTRY.format(id=ENTRY_ID, kind="sale"), POSTING.format(rows=rows(100)), words="adds up to nothing"
    )
    refused(
        ENTRY.format(id=ENTRY_ID, kind="sale"),
        POSTING.format(rows=rows(100, -99)),
        words="adds up to nothing",
    )


def test_checking_early_does_not_let_a_posting_slip_in_later(paid):
    refused(
        ENTRY.format(id=ENTRY_ID, kind="sale"),
        POSTING.format(rows=rows(100, -100)),
        "SET CONSTRAINTS ALL IMMEDIATE",
        POSTING.format(rows=rows(5)),
        words="adds up to nothing",
    )


def test_currencies_do_not_balance_each_other(paid):
    journal.post(
        [
            Posting(AccountKey(AccountKind.SUSPENSE, "USD"), 5),
            Posting(AccountKey(AccountKind.REFUND_DUE, "USD"), -5),
        ],
        kind=EntryKind.SUSPENSE,
        fact="dollars",
        order=None,
        now=now(),
    )
    dollars = Account.objects.get(kind="suspense", currency="USD").pk
    yuan = accounts()["stripe_pending"]
    mixed = f"('{ENTRY_ID}', '{yuan}', 'CNY', 7), ('{ENTRY_ID}', '{dollars}', 'USD', -7)"
    entry = ENTRY.format(id=ENTRY_ID, kind="sale")
    refused(entry, POSTING.format(rows=mixed), words="adds up to nothing")
    wrong = f"('{ENTRY_ID}', '{yuan}', 'USD', 7), ('{ENTRY_ID}', '{dollars}', 'USD', -7)"
    refused(entry, POSTING.format(rows=wrong), words="posting_currency_of_its_account")


def test_a_memo_has_no_postings(paid):
    entry = ENTRY.format(id=ENTRY_ID, kind="memo")
    refused(entry, POSTING.format(rows=rows(1, -1)), words="never later")


def test_a_fact_is_booked_once(paid):
    fact = JournalEntry.objects.get().fact_key
    refused(ENTRY.format(id=ENTRY_ID, kind="memo").replace(f"fact {ENTRY_ID}", fact), words="fact_key")


def test_a_posting_of_nothing_is_refused(paid):
    refused(ENTRY.format(id=ENTRY_ID, kind="sale"), POSTING.format(rows=rows(0, 0)), words="posting_amount")


@pytest.mark.django_db(transaction=True)
def test_no_posting_joins_an_entry_of_an_earlier_transaction(sandbox):
    made.sold(sandbox)
    entry = JournalEntry.objects.get()
    late = POSTING.format(rows=rows(100, -100, entry=entry.pk))
    refused_at_commit(late, words="never later")
    forged = ENTRY.format(id=ENTRY_ID, kind="memo").replace("effective_at)", "effective_at, created_xid)")
    run(forged.replace("now())", "now(), '3')"))
    assert int(JournalEntry.objects.get(pk=ENTRY_ID).created_xid) > 3
    assert queries.trial_balance() == {"CNY": 0}


def test_a_free_order_has_no_payment():
    order = made.order(made.line(factories.free_offer(), purpose="study_teach"))
    attempt = PAYMENT.format(order=order.pk, amount=100, currency="CNY", state="created")
    refused(attempt, words="a free order has none")
    refused(attempt.replace("'created'", "'surplus'"), words="a free order has none")
    refused(
        f"UPDATE settlement_order SET state = 'awaiting_payment' WHERE id = '{order.pk}'", words="no move"
    )


def test_a_payment_is_for_its_orders_total_and_there_is_one_alive(sandbox):
    order = made.order()
    made.start(order)
    one_more = PAYMENT.format(order=order.pk, amount=9900, currency="CNY", state="created")
    refused(one_more, words="payment_one_alive")
    refused(one_more.replace("9900", "9899"), words="order's total")
    refused(one_more.replace("CNY", "USD"), words="order's total")
    refused(one_more.replace("'created'", "'succeeded'"), words="order's total")


def test_an_order_is_not_paid_by_saying_so(sandbox):
    order = made.order()
    made.start(order)
    refused("UPDATE settlement_order SET state = 'paid'", words="a payment of its total")
    refused("UPDATE settlement_order SET state = 'complete'", words="no move|is decided")
    claim = "UPDATE settlement_payment SET state = 'succeeded', provider_ref = 'pi_invented'"
    refused(claim, words="on the books")


def test_an_order_ends_only_when_each_line_is_granted_or_refunded(sandbox, monkeypatch):
    monkeypatch.setattr(made.sales, "finish", lambda **_: None)
    order = made.paid_at_the_provider(sandbox)
    made.payments.refresh(order_id=order.pk, now=now())
    for state in ("complete", "auto_refunding", "part_refunded"):
        refused(f"UPDATE settlement_order SET state = '{state}'", words="each of its lines is decided")
    refused("UPDATE settlement_orderline SET state = 'granted'", words="line_granted_holds_a_grant")
    refused("UPDATE settlement_orderline SET state = 'refund_due'", words="of its whole price")
    refused("UPDATE settlement_orderline SET state = 'lapsed'", words="granted or refunded")


def test_a_free_order_ends_only_when_each_line_is_granted(monkeypatch):
    monkeypatch.setattr(made.orders, "move", lambda *_, **__: None)
    monkeypatch.setattr(made.orders, "grant_line", lambda *_, **__: None)
    made.order(made.line(factories.free_offer(), purpose="study_teach"))
    run("UPDATE settlement_orderline SET state = 'lapsed'")
    refused("UPDATE settlement_order SET state = 'granted_free'", words="each of its lines is granted")


def test_a_line_gets_its_grant_only_when_paid(sandbox):
    offer = factories.offer()
    order = made.order(made.line(offer))
    taken = grants.issue(
        offer_id=offer.pk,
        licensee_id=order.licensee_id,
        basis="paid",
        purpose="product",
        reference="by hand",
        now=now(),
    )
    claim = f"UPDATE settlement_orderline SET state = 'granted', grant_id = '{taken.pk}'"
    refused(claim, words="paid or free")
    made.start(order)
    refused(claim, words="paid or free")


def test_a_grant_of_another_offer_or_licensee_does_not_fit(sandbox, monkeypatch):
    monkeypatch.setattr(made.sales, "finish", lambda **_: None)
    order = made.paid_at_the_provider(sandbox)
    made.payments.refresh(order_id=order.pk, now=now())
    line = queries.lines(order.pk).get()
    elsewhere = factories.offer()

    def granted(offer_id, licensee_id, reference):
        return grants.issue(
            offer_id=offer_id,
            licensee_id=licensee_id,
            basis="paid",
            purpose="product",
            reference=reference,
            now=now(),
        ).pk

    for wrong in (
        granted(elsewhere.pk, order.licensee_id, "another offer"),
        granted(line.offer_id, factories.party().pk, "another licensee"),
    ):
        claim = f"UPDATE settlement_orderline SET state = 'granted', grant_id = '{wrong}'"
        refused(claim, words="of its offer, to its licensee")


def test_prices_terms_and_shares_of_a_line_are_those_of_its_offer_for_ever():
    order = made.order()
    line = queries.lines(order.pk).get()
    for change in ("price_minor_units = 1", "currency = 'USD'", "policy_sha256 = 'x'", "position = 7"):
        refused(f"UPDATE settlement_orderline SET {change} WHERE id = '{line.pk}'", words="not changed")
    refused(f"UPDATE settlement_order SET total_minor_units = 1 WHERE id = '{order.pk}'", words="not changed")


LINE = """
    INSERT INTO settlement_orderline (id, order_id, position, offer_id, price_minor_units, currency, policy_sha256,
        share_plan_id, purpose, detail, reference, state, refusals)
    SELECT gen_random_uuid(), {order}, position + 1, offer_id, {price}, currency, {policy}, share_plan_id, purpose,
        '{{}}', '', '{state}', '{{}}' FROM settlement_orderline
"""


def line(price="price_minor_units", policy="policy_sha256", state="open", order="order_id"):
    """Return the SQL of one more line like the one there is, but for what is given."""
    return LINE.format(price=price, policy=policy, state=state, order=order)


def test_lines_add_up_and_come_as_offered():
    made.order()
    refused(line(), words="add up")
    refused(line(price="0"), words="line_price_of_its_offer")
    refused(line(policy="'x'"), words="those of its offer")
    refused(line(state="lapsed"), words="begins open")


ORDER = """
    INSERT INTO settlement_order (id, number, licensee_id, currency, total_minor_units, state, idempotency_key,
        fingerprint, placed_at, expires_at)
    SELECT '{id}', 'WS-X', licensee_id, currency, total_minor_units, 'placed', {key}, '', placed_at, expires_at
    FROM settlement_order
"""
SHARE = """
    INSERT INTO settlement_lineshare (id, line_id, position, party_id, amount_minor_units)
    SELECT gen_random_uuid(), l.id, 9, o.licensee_id, 1
    FROM settlement_orderline l JOIN settlement_order o ON o.id = l.order_id
"""


def test_an_order_without_lines_or_a_line_without_shares_is_refused():
    made.order()
    order = ORDER.format(id=ENTRY_ID, key="'other'")
    refused(order, words="add up to its total")
    refused(order, line(order=f"'{ENTRY_ID}'"), words="shares add up to its price")
    refused(SHARE, words="shares add up to its price")


def test_checking_early_does_not_let_a_line_or_a_share_slip_in_later():
    made.order()
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")
    refused(line(), words="add up to its total")
    refused(SHARE, words="shares add up to its price")


def test_a_refund_is_taken_from_the_holders_exactly_and_never_beyond_a_share(paid):
    smaller = queries.shares_of(paid.pk).order_by("amount_minor_units").first()
    run(REFUND.format(amount=1000, state="requested"))
    share = """
        INSERT INTO settlement_refundshare (id, refund_id, line_share_id, amount_minor_units)
        SELECT gen_random_uuid(), id, '{}', {} FROM settlement_refund
    """
    refused(share.format(smaller.pk, 999), words="add up to it")
    assert smaller.amount_minor_units == 990
    refused(share.format(smaller.pk, 1000), words="more than the share")


def test_a_key_places_one_order():
    made.order()
    refused(ORDER.format(id=ENTRY_ID, key="idempotency_key"), words="order_key")


def test_states_move_only_along_their_tables(sandbox):
    made.start(made.order())
    refused("UPDATE settlement_orderline SET state = 'refunded'", words="no move from open")
    run("UPDATE settlement_payment SET state = 'cancelled'")
    refused("UPDATE settlement_payment SET state = 'created'", words="no move from cancelled")


def test_a_refund_moves_only_along_its_table(paid):
    run(REFUND.format(amount=1, state="requested"))
    run("UPDATE settlement_refund SET state = 'failed'")
    refused("UPDATE settlement_refund SET state = 'requested'", words="no move from failed")


def test_a_free_order_never_waits_for_a_payment(monkeypatch):
    monkeypatch.setattr(made.orders, "move", lambda *_, **__: None)
    made.order(made.line(factories.free_offer(), purpose="study_teach"))
    refused("UPDATE settlement_order SET state = 'awaiting_payment'", words="order_free_or_paid")


REFUND = """
    INSERT INTO settlement_refund (id, payment_id, amount_minor_units, currency, state, reason, requested_at)
    SELECT gen_random_uuid(), id, {amount}, currency, '{state}', 'surplus', now() FROM settlement_payment
"""


def test_never_more_goes_back_than_was_paid(paid):
    refused(REFUND.format(amount=9901, state="requested"), words="never more than was paid")
    refused(REFUND.format(amount=1, state="succeeded"), words="money that came")
    run(REFUND.format(amount=9900, state="requested"))
    refused(REFUND.format(amount=1, state="requested"), words="never more than was paid")
    refused("DELETE FROM settlement_refund", words="not removed")


def test_nothing_goes_back_of_a_payment_that_never_came(sandbox):
    made.start(made.order())
    refused(REFUND.format(amount=1, state="requested"), words="money that came")


def test_the_application_cannot_become_the_owner():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'settlement_posting'")
        owner = cursor.fetchone()[0]
    refused(f'SET ROLE "{owner}"', words="permission denied")


def test_every_rule_of_the_models_stands_in_the_database():
    """So that dropping one is noticed: triggers by name, always on; constraints by name."""
    from django.apps import apps

    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'")
        triggers = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        constraints = {name for (name,) in cursor.fetchall()}
    for model in apps.get_app_config("settlement").get_models():
        for trigger in getattr(model._meta, "triggers", []):
            assert trigger.get_pgid(model) in triggers
        for constraint in model._meta.constraints:
            assert constraint.name in constraints
    assert {"line_price_of_its_offer", "posting_currency_of_its_account"} <= constraints
