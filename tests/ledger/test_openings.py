"""What commitments hide: each field opens with its own salt, can be erased, and everything still verifies."""

import hmac
import itertools
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import queries, verifier
from ledger.actions import inspections, log, openings, reports, sequencer
from ledger.actions.reports import Opening as Disclosed
from ledger.domain import canonical, entry
from ledger.domain.openings import ERASED, Ground
from ledger.errors import (
    GroundUnknown,
    IntentNotFound,
    KeyReused,
    NotADocument,
    NotCanonical,
    OpeningNotFound,
)
from ledger.models import Intent, Opening
from tests.ledger.conftest import NOW, append, attacker, document, fill

pytestmark = pytest.mark.django_db

WORDS = {"name": "张三丰", "born": {"year": 1247, "place": "懿州"}}


def hand_in(number=1, personal=WORDS, **changed):
    key = f"personal:{number}"
    return log.append(document=document(number, **changed), personal=personal, idempotency_key=key, now=NOW)


def erase(intent_id, *fields, ground=Ground.PIPL_47):
    return openings.erase(intent_id=intent_id, fields=fields or None, ground=ground, now=NOW)


def committed(intent_id):
    return queries.document(intent_id)["commit"]


# Committing -----------------------------------------------------------------------------------------------


def test_each_field_has_a_salt_of_its_own_and_nothing_of_it_stands_in_the_entry():
    intent = hand_in()
    assert [each.field for each in queries.openings(intent)] == ["born", "name"]
    for each in queries.openings(intent):
        assert each.value == WORDS[each.field] and len(each.salt) == 32
        assert each.commitment == entry.commitment(each.salt, each.value) == committed(intent)[each.field]
    data = bytes(queries.intent(intent).canonical).decode()
    assert not [word for word in ("张三丰", "懿州", "1247") if word in data]
    assert queries.false_openings() == []


def test_equal_values_in_two_entries_have_different_commitments():
    one, other = hand_in(1), hand_in(2)
    assert not {*committed(one).values()} & {*committed(other).values()}


VALUES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(
        lambda text: unicodedata.is_normalized("NFC", text)
    )
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.booleans(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.from_regex("[a-z]{1,6}", fullmatch=True), VALUES, min_size=2, max_size=5))
def test_every_field_opens_with_its_own_salt_and_no_other(personal):
    with transaction.atomic():
        found = queries.openings(hand_in(personal=personal))
        transaction.set_rollback(True)
    assert {each.field: each.value for each in found} == personal
    for commitment, opening in itertools.product(found, found):
        opens = entry.commitment(opening.salt, commitment.value) == commitment.commitment
        assert opens == (commitment is opening)


@pytest.mark.parametrize(
    "personal, refusal",
    [
        ({"name": 1.5}, NotCanonical),
        ({"name": None}, NotCanonical),
        ({"name": ["a\0b"]}, NotCanonical),
        ({"name": "e\u0301"}, NotCanonical),
        ({"licensee": "twice"}, NotADocument),
    ],
)
def test_what_cannot_be_kept_beside_the_log_is_refused_whole(personal, refusal):
    commit = {"licensee": entry.commitment(bytes(32), "x")}
    with pytest.raises(refusal):
        log.append(
            document={**document(1), "commit": commit}, personal=personal, idempotency_key="k", now=NOW
        )
    with pytest.raises(NotCanonical):
        hand_in(note="a\0b")
    assert not Intent.objects.exists()


# The same key ---------------------------------------------------------------------------------------------


def test_the_same_key_with_the_same_values_is_the_same_intent_although_salts_are_random():
    intent = hand_in()
    assert hand_in(personal={"born": WORDS["born"], "name": WORDS["name"]}) == intent
    assert Opening.objects.count() == 2


@pytest.mark.parametrize(
    "personal",
    [{**WORDS, "name": "李四"}, {"name": "张三丰"}, {**WORDS, "more": "x"}, None, {"name": WORDS["born"]}],
)
def test_the_same_key_with_other_values_is_refused(personal):
    hand_in()
    with pytest.raises(KeyReused):
        hand_in(personal=personal)
    with pytest.raises(KeyReused):
        hand_in(changed=True)
    assert hand_in()


def test_the_same_key_after_an_erasure_is_the_same_intent_and_nothing_comes_back():
    intent = hand_in()
    erase(intent, "name")
    assert hand_in() == intent
    assert hand_in(personal={**WORDS, "name": "nobody can tell any more"}) == intent
    assert list(Opening.objects.values_list("field", flat=True)) == ["born"]
    with pytest.raises(KeyReused):
        hand_in(personal={**WORDS, "born": "elsewhere"})


# Erasing --------------------------------------------------------------------------------------------------


def test_an_erasure_removes_value_and_salt_and_says_so_in_an_entry():
    intent = hand_in()
    sequencer.catch_up(now=NOW)
    assert erase(intent, "name", ground=Ground.COURT_ORDER) == ["name"]
    sequencer.catch_up(now=NOW)
    said = queries.entry(1).document
    assert (said["kind"], said["subject"]) == (ERASED, document(1)["id"])
    assert said["refs"] == {"field": "name", "ground": "court-order", "entry": 0}
    born, name = queries.openings_of([0, 1])
    assert (born.is_erased, born.value) == (False, WORDS["born"])
    assert (name.is_erased, name.value, name.salt) == (True, None, None)
    assert (name.entry, name.ground, name.erased_by) == (0, "court-order", 1)
    assert name.commitment == queries.entry(0).document["commit"]["name"]
    assert queries.is_erased(intent, "name") and not queries.is_erased(intent, "born")
    assert queries.opening(intent, "name") == name and queries.opening(intent, "other") is None


def test_erasing_again_changes_nothing():
    intent = hand_in()
    assert erase(intent) == ["born", "name"]
    count = Intent.objects.count()
    assert erase(intent) == erase(intent, "name", ground=Ground.GDPR_17) == []
    assert Intent.objects.count() == count == 3
    assert queries.opening(intent, "name").ground == "pipl-47"


def test_what_has_no_number_yet_can_be_erased_too():
    intent = hand_in()
    erase(intent, "name")
    sequencer.catch_up(now=NOW)
    assert "entry" not in queries.entry(1).document["refs"]
    assert queries.opening(intent, "name").erased_by == 1


def test_an_erasure_that_the_callers_transaction_takes_back_erased_nothing():
    intent = hand_in()
    with pytest.raises(RuntimeError), transaction.atomic():
        erase(intent)
        raise RuntimeError
    assert [each.is_erased for each in queries.openings(intent)] == [False, False]
    assert Intent.objects.count() == 1


def test_what_was_never_hidden_and_what_is_no_ground_are_refused():
    own_salt = log.append(
        document={**document(2), "commit": {"licensee": entry.commitment(bytes(32), "x")}},
        idempotency_key="own",
        now=NOW,
    )
    intent = hand_in()
    with pytest.raises(OpeningNotFound):
        erase(own_salt, "licensee")
    with pytest.raises(OpeningNotFound):
        erase(intent, "name", "address")
    with pytest.raises(GroundUnknown):
        erase(intent, ground="because")
    with pytest.raises(IntentNotFound):
        erase(99)
    assert Opening.objects.count() == 2 and queries.openings(own_salt) == []


@pytest.mark.django_db(transaction=True)
def test_two_who_erase_at_once_erase_once():
    intent = hand_in()

    def run(_number):
        try:
            return erase(intent)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        erased = [field for fields in pool.map(run, range(4)) for field in fields]
    assert sorted(erased) == ["born", "name"]
    assert Intent.objects.count() == 3


def test_after_an_erasure_proofs_checkpoints_and_old_reports_still_verify(tmp_path, capsys):
    fill(5)
    intent = hand_in(8)
    sequencer.catch_up(now=NOW)
    hidden = queries.openings_of([5])
    shown = [Disclosed(each.entry, each.field, each.salt, each.value) for each in hidden]
    (tmp_path / "policy").write_text(queries.policy())

    def report(name, numbers, **more):
        out = tmp_path / name
        return reports.write(out=out, entry_numbers=numbers, attachments={}, now=NOW, **more)

    def verify(out):
        status = verifier.main([str(out), "--policy", str(tmp_path / "policy")])
        return status, capsys.readouterr().out

    old, before = report("old", [2, 5], openings=shown), queries.proof(5, 6)
    erase(intent)
    sequencer.catch_up(now=NOW)
    assert verify(old)[0] == 0
    gone = [reports.Erased(each.entry, each.field, each.erased_by) for each in queries.openings_of([5])]
    status, said = verify(report("new", [2, 5, 6, 7], erased=gone))
    assert status == 0
    for each in hidden:
        assert f"entry 5, {each.field}: commitment {each.commitment} stays" in said
    assert queries.proof(5, 6) == before
    assert all(check.passed for number in range(8) for check in queries.checks(number))
    assert queries.consistency(6, 8)


# Guessing -------------------------------------------------------------------------------------------------

SYLLABLES = [
    a + b for a in ("b", "d", "g", "h", "l", "m", "sh", "w", "x", "zh") for b in ("an", "ei", "i", "o", "u")
]


def dictionary(size):
    """Yield names of up to four syllables, each once."""
    words = itertools.chain.from_iterable(
        itertools.product(SYLLABLES, repeat=count) for count in (1, 2, 3, 4)
    )
    return ("".join(word) for word in itertools.islice(words, size))


def guess(size, commitment, salts):
    """Return which words of the dictionary a commitment hides, if one of these salts is right."""
    wanted = bytes.fromhex(commitment)
    return [
        word
        for word in dictionary(size)
        for salt in salts
        if hmac.digest(salt, b'"%s"' % word.encode(), "sha256") == wanted
    ]


@pytest.mark.parametrize("size", [10**5, pytest.param(10**6, marks=pytest.mark.nightly)])
def test_a_dictionary_finds_a_name_with_its_salt_and_nothing_once_that_is_erased(size):
    name = list(dictionary(size))[size * 2 // 3]
    assert canonical.encode(name) == b'"%s"' % name.encode()
    intent, other = hand_in(1, {"name": name}), hand_in(2, {"name": name})
    salt = queries.opening(intent, "name").salt
    assert name in guess(size, committed(intent)["name"], [salt])
    erase(intent)
    known = [
        b"",
        bytes(32),
        queries.opening(other, "name").salt,
    ]  # what an attacker may try: none, zeros, another's
    assert guess(size, committed(intent)["name"], known) == []


# As the application's login -------------------------------------------------------------------------------


def refused(sql, parameters=(), by=IntegrityError):
    with pytest.raises(by) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    return str(refusal.value)


def test_an_opening_is_not_rewritten():
    hand_in()
    for column, value in (
        ("value", "'1'"),
        ("salt", "value::text::bytea"),
        ("field", "'x'"),
        ("created_at", "now()"),
    ):
        assert "never rewritten" in refused(f"UPDATE ledger_opening SET {column} = {value}")


def test_an_opening_is_not_removed_without_the_entry_that_says_so():
    intent = hand_in()
    sql = "DELETE FROM ledger_opening WHERE field = 'name'"
    assert "no entry says that name" in refused(sql)
    assert "permission denied" in refused("TRUNCATE ledger_opening", by=ProgrammingError)
    erase(intent, "born")
    assert "no entry says that name" in refused(sql)


@pytest.mark.parametrize(
    "other",
    [{"kind": "grant.revoked"}, {"subject": "asset:1"}, {"refs": {"field": "born", "ground": "pipl-47"}}],
    ids=lambda other: next(iter(other)),
)
def test_an_entry_that_says_something_else_removes_nothing(other):
    intent = hand_in()
    says = {"kind": ERASED, "subject": document(1)["id"], "refs": {"field": "name", "ground": "pipl-47"}}
    data = {**document(9), **says, **other}
    log.append(document=data, idempotency_key=f"{ERASED}:{intent}:name", now=NOW)
    assert "no entry says that name" in refused("DELETE FROM ledger_opening WHERE field = 'name'")


def test_what_was_erased_does_not_come_back_and_nothing_opens_what_was_not_committed():
    intent = hand_in()
    erase(intent)
    add = "INSERT INTO ledger_opening (intent_id, field, salt, value, created_at) VALUES (%s, %s, %s, '1', now())"
    assert "does not come back" in refused(add, [intent, "name", bytes(32)])
    assert "commits to no other" in refused(add, [intent, "other", bytes(32)])
    assert "commits to no name" in refused(add, [append(5), "name", bytes(32)])
    own = {**document(2), "commit": {"licensee": entry.commitment(bytes(32), "x")}}
    intent = log.append(document=own, idempotency_key="own", now=NOW)
    assert "opening_salt_length" in refused(add, [intent, "licensee", bytes(31)])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        """UPDATE ledger_opening SET value = '"李四"' WHERE field = 'name'""",
        "UPDATE ledger_opening SET salt = set_byte(salt, 31, get_byte(salt, 31) # 1) WHERE field = 'name'",
        "UPDATE ledger_opening SET field = 'other' WHERE field = 'name'",
        "UPDATE ledger_opening SET intent_id = (SELECT max(id) FROM ledger_intent) WHERE field = 'name'",
    ],
)
def test_a_row_that_was_tampered_with_is_named(change):
    hand_in()
    append(2)
    sequencer.catch_up(now=NOW)
    assert inspections.inspect(now=NOW).holds
    with attacker() as cursor:
        cursor.execute(change)
        ((intent, _field),) = queries.false_openings()
        assert inspections.inspect(now=NOW).faults["opening"].number == intent
    assert queries.false_openings() == []


@pytest.mark.django_db(transaction=True)
def test_a_value_that_was_put_back_after_its_erasure_is_named():
    intent = hand_in()
    erase(intent, "name")
    sequencer.catch_up(now=NOW)
    assert inspections.inspect(now=NOW).holds
    with attacker() as cursor:
        cursor.execute(
            "INSERT INTO ledger_opening (intent_id, field, salt, value, created_at)"
            " SELECT intent_id, 'name', salt, value, created_at FROM ledger_opening"
        )
        assert inspections.inspect(now=NOW).faults["opening"].number == intent


# After a restore ------------------------------------------------------------------------------------------


def test_erasures_are_read_from_the_log_and_from_its_files():
    intent = hand_in()
    fill(300)
    erase(intent, "name")
    assert len(queries.erasures()) == 1 and queries.erasures_in_files() == []
    sequencer.catch_up(now=NOW)
    assert queries.erasures_in_files() == queries.erasures()


def test_what_a_backup_brought_back_is_found_by_the_document_that_erased_it():
    intent = hand_in()
    hand_in(2)
    said = {"subject": document(1)["id"], "refs": {"field": "name", "ground": "gdpr-17"}}
    assert queries.erased_but_there([said]) == [(intent, "name", "gdpr-17")]
    erase(intent, "name")
    assert queries.erased_but_there([said]) == []
