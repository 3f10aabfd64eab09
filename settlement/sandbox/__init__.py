"""The Stripe stand-in: a server process of its own that speaks the part of Stripe's HTTP API which we use.

Same paths, form encoding, objects, error shapes, idempotency and signed, retried webhooks; no money moves.
Our code reaches it by the client's base address only. It knows nothing of the house and imports none of it.
"""
