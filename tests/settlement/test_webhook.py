"""The webhook over HTTP: what is signed is stored once, what is not leaves nothing behind."""

import json

import pytest

from settlement.actions import inbox
from settlement.domain.states import EventState
from settlement.models import InboxEvent
from settlement.sandbox.webhooks import signature
from tests.settlement.made import now
from tests.settlement.sandbox_process import SECRET

pytestmark = pytest.mark.django_db
BODY = json.dumps(
    {"id": "evt_1", "type": "charge.succeeded", "livemode": False, "data": {"object": {"id": "ch_1"}}}
).encode()


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_rotated_out", SECRET]


def post(client, body=BODY, header=None, secret=SECRET):
    if header is None:
        header = signature(body, secret=secret, at=int(now().timestamp()))
    return client.post(
        "/hooks/stripe/", body, content_type="application/json", headers={"stripe-signature": header}
    )


def test_a_signed_event_is_stored_once(client):
    assert [post(client).status_code for _ in range(3)] == [200, 200, 200]
    row = InboxEvent.objects.get()
    assert (row.event_id, row.state) == ("evt_1", EventState.NEW)


def test_either_secret_is_good_while_one_is_rotated(client):
    assert post(client, secret="whsec_rotated_out").status_code == 200


@pytest.mark.parametrize("header", ["", "t=1,v1=00", "v1=00", "x", "t=,v1="])
def test_a_forged_call_is_refused_and_stores_nothing(client, header):
    assert post(client, header=header).status_code == 400
    assert not InboxEvent.objects.exists()


def test_a_body_that_was_changed_on_the_way_is_refused(client):
    good = signature(BODY, secret=SECRET, at=int(now().timestamp()))
    assert post(client, BODY.replace(b"ch_1", b"ch_2"), header=good).status_code == 400
    assert post(client, secret="whsec_not_ours").status_code == 400
    assert not InboxEvent.objects.exists()


def test_a_huge_call_is_refused_unread(client):
    assert post(client, b"x" * 300_000).status_code == 413


def test_only_posts_are_taken(client):
    assert client.get("/hooks/stripe/").status_code == 405


def test_an_event_of_the_other_mode_is_kept_apart(client):
    post(client, BODY.replace(b"false", b"true"))
    assert InboxEvent.objects.get().state == EventState.PARKED
    assert inbox.process(now=now()) == 0


def test_an_event_about_nothing_of_ours_is_ignored(client):
    post(client)
    assert inbox.process(now=now()) == 1
    assert InboxEvent.objects.get().state == EventState.IGNORED


def test_an_event_that_keeps_failing_is_parked_and_the_rest_goes_on(client, monkeypatch):
    post(client)
    post(client, BODY.replace(b"evt_1", b"evt_2"))
    act = inbox._act

    def poisoned(event, *, now):
        if event.id == "evt_1":
            raise ZeroDivisionError
        return act(event, now=now)

    monkeypatch.setattr(inbox, "_act", poisoned)
    later = now()
    for _ in range(inbox.PARK_AFTER_TRIES):
        inbox.process(now=later)
        later += inbox.LONGEST_WAIT
    states = dict(InboxEvent.objects.values_list("event_id", "state"))
    assert states == {"evt_1": EventState.PARKED, "evt_2": EventState.IGNORED}
    monkeypatch.undo()
    assert inbox.unpark(event_ids=list(InboxEvent.objects.values_list("pk", flat=True)), now=later) == 1
    inbox.process(now=later)
    assert InboxEvent.objects.get(event_id="evt_1").state == EventState.IGNORED
