"""Erasing a person's words: no table, dump, file, report or line of a log holds them, and all still verifies."""

import base64
import json
import logging
import subprocess
import sys
from io import StringIO
from uuid import UUID

import pytest
from django.conf import settings as given
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from ledger import queries as ledger
from ledger.actions import log, sequencer
from ledger.clock import now
from ledger.models import Intent, Opening
from licensing import queries as licensing
from licensing.actions import parties
from marketplace.actions import accounts, cart, checkout, erasures, imports
from marketplace.actions.checkout import Wanted
from marketplace.local import archive
from marketplace.models import CartLine, IdempotencyRecord, Listing, User
from settlement.models import Order, OrderLine
from tests import factories
from tests.ledger.conftest import document
from tests.marketplace.catalogues import EDITION, PROTECTED, WHOLE, changed, write

NAME, SCHOOL, STATEMENT = "欧阳泠", "雁荡山第九小学", "为毕业演出《渡口灯影》排练"
WORDS = {
    "licensee_name": NAME,
    "institution": SCHOOL,
    "institution_kind": "education",
    "statement": STATEMENT,
}


@pytest.fixture
def buyer(tmp_path):
    """A teacher who signed up, ordered by program and has a cart; one order waits for its payment."""
    lessons = changed(PROTECTED, id="lessons", price={"free": True}, terms__audience=["education"])
    assert imports.run(catalogue=write(tmp_path, WHOLE, EDITION, lessons), now=now()).refused == []
    user = User.objects.create_user("teacher@example.org", "long-Enough-9")
    name = {"zh-Hans": NAME, "en": NAME}
    accounts.act_for(user=user, party_id=parties.register(kind="person", name=name, now=now()).pk)
    for listing in ("lessons", "objects-1650"):
        order(user, listing)
    assert Order.objects.count() == OrderLine.objects.filter(grant__isnull=False).count() == 2
    cart.add(user=user, session_key="", wanted=wanted("lessons"), now=now())
    sequencer.catch_up(now=now())
    return user


def wanted(slug):
    listing = str(Listing.objects.get(slug=slug).pk)
    return Wanted(listing, "study_teach", None, SCHOOL, "education", None, STATEMENT)


def order(user, slug, key="order"):
    """Order by program, as a teacher who says where and what for."""
    token = accounts.make_token(user=user, label="test", now=now())
    line = {"listing": wanted(slug).listing, "purpose": "study_teach", "statement": STATEMENT}
    answer = Client(HTTP_HOST="127.0.0.1").post(
        "/api/v1/orders/",
        {"lines": [{**line, "institution": SCHOOL, "institution_kind": "education"}]},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": f"{key} {slug}"},
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def grants_of(user):
    return list(licensing.grants_of([user.party_id]))


# Whatever form the words may have ----------------------------------------------------------------------------


def spellings(word):
    """Yield the forms in which a word may survive: as text, escaped, in base64 at any offset, in hexadecimal."""
    yield word.encode().hex().encode()
    yield json.dumps(word)[1:-1].encode()
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
        data = word.encode(encoding)
        yield data
        for offset in range(
            3
        ):  # without the first and last characters, which tell of what stands around as well
            encoded = base64.b64encode(bytes(offset) + data)
            yield encoded[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]


def held(word, places):
    """Return in which places a word stands, in any form."""
    forms = list(spellings(word))
    return sorted(
        name for name, data in places.items() if any(form in data or form.upper() in data for form in forms)
    )


def everything(tmp_path, caplog):
    """Return all that can leave the house: the whole database as text, the log's files, stored files, reports."""
    dump = archive.run("pg_dump", "--format=plain", "--no-owner")
    assert "COPY public.ledger_opening" in dump
    places = {f"dump: {table.partition(' ')[0]}": table.encode() for table in dump.split("COPY ")}
    for alias in ("default", "ledger"):
        places |= {f"{alias}: {name}": data for name, data in files_of(storages[alias])}
    listing = Listing.objects.select_related("asset").get(slug="lessons")
    call_command("audit_report", asset=listing.asset.ark_id, out=str(tmp_path / "report"), verbosity=0)
    places |= {str(path): path.read_bytes() for path in (tmp_path / "report").rglob("*") if path.is_file()}
    places["log lines"] = "\n".join(map(str, caplog.records)).encode() + caplog.text.encode()
    house = given.HOUSE.state
    places |= {
        str(path): path.read_bytes() for name in ("mail", "logs") for path in (house / name).rglob("*.*")
    }
    return places


def files_of(storage, folder=""):
    folders, names = storage.listdir(folder)
    for name in names:
        with storage.open(f"{folder}{name}") as file:
            yield f"{folder}{name}", file.read()
    for name in folders:
        yield from files_of(storage, f"{folder}{name}/")


@pytest.mark.django_db(transaction=True)
def test_after_an_erasure_nothing_holds_the_words_and_everything_verifies(buyer, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    before = everything(tmp_path, caplog)
    tables = {name.removeprefix("dump: public.") for name in held(SCHOOL, before)}
    assert tables >= {"ledger_opening", "settlement_orderline", "marketplace_cartline"}
    assert held(NAME, before) and held(STATEMENT, before)
    proved = ledger.proof(ledger.number_of(grants_of(buyer)[0].intent_id))
    caplog.clear()
    assert erasures.erase_person(party_id=buyer.party_id, ground="pipl-47", now=now()) == 2
    sequencer.catch_up(now=now())
    after = everything(tmp_path, caplog)
    for word in (NAME, SCHOOL, STATEMENT):
        assert held(word, after) == []
    assert ledger.proof(proved.index, proved.size) == proved
    call_command("ledger_verify", stdout=StringIO())
    call_command("ledger_policy", out=tmp_path / "policy", stdout=StringIO())
    verifier = [sys.executable, "ledger/verifier.py", tmp_path / "report", "--policy", tmp_path / "policy"]
    done = subprocess.run(verifier, cwd=given.BASE_DIR, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    commitment = ledger.opening(grants_of(buyer)[1].intent_id, "licensee_name").commitment
    assert f"commitment {commitment} stays" in done.stdout


@pytest.mark.parametrize("form", ["utf-8", "utf-16-le", "escaped", "base64", "hexadecimal"])
@pytest.mark.parametrize("around", ["", "a", "ab"])
def test_a_word_is_found_in_whatever_form(form, around):
    text = f"{around}{NAME}{around}"
    data = {
        "escaped": json.dumps({"name": text}).encode(),
        "base64": base64.b64encode(text.encode()),
        "hexadecimal": text.encode().hex().upper().encode(),
    }.get(form) or text.encode(form)
    assert held(NAME, {"here": data}) == ["here"]
    assert held(NAME, {"here": data[: len(data) // 2]}) == []


# What is erased, and what stays -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_one_grant_can_be_erased_field_by_field_and_its_order_forgets_the_same(buyer):
    grant, other = grants_of(buyer)
    assert licensing.words_of(grant) == licensing.Words(**WORDS)
    assert erasures.erase_grant(grant_id=grant.pk, fields=["institution"], ground="gdpr-17", now=now()) == [
        "institution"
    ]
    kept = {name: said for name, said in WORDS.items() if name != "institution"}
    assert licensing.words_of(grant) == licensing.Words(**kept, erased=frozenset({"institution"}))
    assert OrderLine.objects.get(grant=grant).detail == kept
    assert OrderLine.objects.get(grant=other).detail == WORDS
    assert licensing.words_of(other).institution == SCHOOL


@pytest.mark.django_db
def test_erasing_again_changes_nothing(buyer):
    grant = grants_of(buyer)[0]
    first = erasures.erase_grant(grant_id=grant.pk, ground="gdpr-17", now=now())
    assert first == sorted(WORDS)
    count = Intent.objects.count()
    assert erasures.erase_grant(grant_id=grant.pk, ground="pipl-47", now=now()) == []
    assert Intent.objects.count() == count
    party = ledger.opening(grant.intent_id, "party")
    assert UUID(party.value) == buyer.party_id, "whose grant it is can still be proved, without a name"


@pytest.mark.django_db
def test_the_same_request_after_an_erasure_is_still_the_same_order(buyer):
    numbers = [order(buyer, slug)["number"] for slug in ("lessons", "objects-1650")]
    erasures.erase_person(party_id=buyer.party_id, ground="pipl-47", now=now())
    IdempotencyRecord.objects.all().delete()  # as after a week: only the order itself remembers its key
    assert [order(buyer, slug)["number"] for slug in ("lessons", "objects-1650")] == numbers
    assert Opening.objects.exclude(field="party").count() == 0
    assert set(Order.objects.values_list("fingerprint", flat=True)) == {""}


@pytest.mark.django_db
def test_an_order_that_is_still_to_be_granted_keeps_its_words(buyer):
    asked = Wanted(str(Listing.objects.get(slug="objects-1650").pk), "product", statement=STATEMENT)
    checkout.place(user=buyer, wanted=[asked], idempotency_key="waits", now=now())
    erasures.erase_person(party_id=buyer.party_id, ground="pipl-47", now=now())
    assert OrderLine.objects.get(grant=None).detail["statement"] == STATEMENT
    assert set(CartLine.objects.values_list("institution", flat=True)) == {""}


@pytest.mark.django_db
def test_who_offers_rights_keeps_the_name_that_the_public_knows():
    person = factories.party("Li Hua", kind="person")
    factories.asset(licensor=person)
    erasures.erase_person(party_id=person.pk, ground="pipl-47", now=now())
    person.refresh_from_db()
    assert person.name["en"] == "Li Hua"


# Pages --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "erased"), [("en", "erased"), ("zh-hans", "已删除")])
def test_a_certificate_says_erased_and_still_verifies(buyer, client, language, erased):
    grant = grants_of(buyer)[0]
    with translation.override(language):
        certificate, verify = (
            reverse(name, args=[grant.number]) for name in ("certificate", "verify-number")
        )
    client.force_login(buyer)
    before = client.get(certificate).content.decode()
    assert NAME in before and f"<dd>{erased}<" not in before
    erasures.erase_grant(grant_id=grant.pk, ground="gdpr-17", now=now())
    sequencer.catch_up(now=now())
    for reader in (client, Client()):
        after = reader.get(certificate).content.decode()
        assert f"<dd>{erased}<" in after
        assert not [word for word in (NAME, SCHOOL) if word in after]
    assert client.get(verify).status_code == 200
    assert all(check.passed for check in ledger.checks(ledger.number_of(grant.intent_id)))
    with translation.override(language):
        entry = reverse("ledger-entry", args=[ledger.size() - 1])
    said = client.get(entry).content.decode()
    assert ("Article 17 of the GDPR" if language == "en" else "《通用数据保护条例》第十七条") in said


@pytest.mark.django_db
def test_readers_erase_their_own_name_once_they_have_said_that_they_are_sure(buyer, client):
    client.force_login(buyer)
    with translation.override("en"):
        page = reverse("account-erase")
    assert grants_of(buyer)[0].number in client.get(page).content.decode()
    for asked in ({}, {"ground": "pipl-47"}, {"sure": "on"}, {"sure": "on", "ground": "court-order"}):
        assert "Nothing was erased" in client.post(page, asked, follow=True).content.decode()
    assert Opening.objects.filter(field="licensee_name").count() == 2
    said = client.post(page, {"sure": "on", "ground": "pipl-47"}, follow=True).content.decode()
    assert "Your name is erased" in said and NAME not in said
    assert Opening.objects.exclude(field="party").count() == 0
    assert Client().get(page).status_code == 302


@pytest.mark.django_db
def test_the_desk_erases_on_a_ground_and_never_without_one(buyer):
    grant = grants_of(buyer)[0]
    desk = Client(HTTP_HOST="127.0.0.1")
    desk.force_login(User.objects.create_superuser("desk@example.org", "x"))
    page = reverse("admin:licensing_grant_changelist")
    asked = {"action": "erase_words", "_selected_action": [str(grant.pk)]}
    assert "choose a ground" in desk.post(page, asked, follow=True).content.decode()
    assert licensing.words_of(grant).licensee_name == NAME
    desk.post(page, {**asked, "ground": "court-order"}, follow=True)
    assert licensing.words_of(grant).erased == frozenset(WORDS)
    helper = User.objects.create_user("helper@example.org", "x", is_staff=True)
    assert not helper.has_perm("ledger.delete_opening")


# The command --------------------------------------------------------------------------------------------------


def run(*arguments, **options):
    out = StringIO()
    call_command("ledger_erase", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_erases_by_grant_by_entry_and_by_person(buyer):
    grant, other = grants_of(buyer)
    assert "institution" in run("--grant", grant.number, "--field", "institution", "--ground", "gdpr-17")
    number = str(ledger.number_of(grant.intent_id))
    assert "licensee_name, party, statement" in run("--entry", number, "--ground", "gdpr-17")
    assert "Nothing was left" in run("--entry", number, "--ground", "gdpr-17")
    assert set(OrderLine.objects.get(grant=grant).detail) == set()
    assert "1 grants" in run("--party", str(buyer.party_id), "--ground", "pipl-47")
    assert licensing.words_of(other).erased == frozenset(WORDS)


@pytest.mark.django_db
def test_the_command_says_what_it_cannot_erase(buyer):
    grant = grants_of(buyer)[0]
    for arguments in (
        ["--grant", grant.number],
        ["--grant", "G-1999-000001", "--ground", "gdpr-17"],
        ["--grant", grant.number, "--field", "address", "--ground", "gdpr-17"],
        ["--entry", "99999", "--ground", "gdpr-17"],
        ["--replay", "--from", "/nonexistent"],
    ):
        with pytest.raises(CommandError):
            run(*arguments)
    assert licensing.words_of(grant) == licensing.Words(**WORDS)


@pytest.mark.django_db
def test_an_entry_that_is_no_grant_is_erased_as_well(buyer):
    intent = log.append(document=document(7), personal={"name": NAME}, idempotency_key="other", now=now())
    sequencer.catch_up(now=now())
    assert "name" in run("--entry", str(ledger.number_of(intent)), "--ground", "consent-withdrawn")
    assert ledger.is_erased(intent, "name")


@pytest.mark.django_db
def test_what_a_backup_brings_back_is_erased_again_from_a_list(buyer, tmp_path):
    grant = grants_of(buyer)[0]
    said = {
        "subject": ledger.document(grant.intent_id)["id"],
        "refs": {"field": "licensee_name", "ground": "court-order"},
    }
    (tmp_path / "list").write_text(json.dumps(said) + "\n")
    assert "1 fields" in run("--replay", "--from", str(tmp_path / "list"))
    assert "licensee_name" not in OrderLine.objects.get(grant=grant).detail
    assert ledger.opening(grant.intent_id, "licensee_name").ground == "court-order"
    assert "0 fields" in run("--replay", "--from", str(tmp_path / "list"))
    assert [json.loads(line)["refs"]["ground"] for line in run("--list").splitlines()] == ["court-order"]
