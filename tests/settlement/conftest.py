"""The sandbox for every test of settlement that talks to the provider: the real client over real HTTP."""

import pytest

from tests.settlement.sandbox_process import SECRET, Listener, Sandbox


@pytest.fixture
def sandbox(tmp_path, settings):
    """A sandbox without webhooks; the gateway is pointed at it."""
    running = Sandbox(tmp_path / "stripe.jsonl", "--later-seconds", "0")
    settings.STRIPE_API_BASE, settings.STRIPE_WEBHOOK_SECRETS = running.url, [SECRET]
    yield running
    running.kill()


@pytest.fixture
def listener():
    """A server that takes webhooks."""
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def sandbox_with_webhooks(tmp_path, settings, listener):
    """A sandbox that sends its webhooks to the listener."""
    running = Sandbox(tmp_path / "stripe.jsonl", "--later-seconds", "0", "--webhook", listener.url)
    settings.STRIPE_API_BASE, settings.STRIPE_WEBHOOK_SECRETS = running.url, [SECRET]
    yield running
    running.kill()
