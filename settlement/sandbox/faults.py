"""Faults on purpose, so that tests can see us answer them: by request header, by order, or by a seed.

On calls: `fail_before` (500, nothing done), `fail_after` (500 after doing, kept under the idempotency key, as
Stripe does), `drop` (done, then the line is cut), `delay` (a slow answer). On webhooks: `lose_webhook` (never
sent), `double_webhook` (sent twice), `delay_webhook` (sent late).
"""

import random
import threading
from collections import Counter

ON_CALLS = ("fail_before", "fail_after", "drop", "delay")
ON_WEBHOOKS = ("lose_webhook", "double_webhook", "delay_webhook")
DELAY_SECONDS = 1.0


class Faults:
    """Hands out faults: first those ordered, then, with a seed, one in `one_in` at random."""

    def __init__(self, *, seed: int | None = None, one_in: int = 10) -> None:
        self._random = random.Random(seed) if seed is not None else None
        self._one_in, self._ordered, self._lock = one_in, Counter[str](), threading.Lock()

    def order(self, name: str, *, times: int) -> None:
        """Let a fault happen the next `times` times; 0 takes the order back."""
        if name not in ON_CALLS + ON_WEBHOOKS:
            raise ValueError(f"no such fault: {name}")
        with self._lock:
            self._ordered[name] = times

    def next(self, among: tuple[str, ...]) -> str | None:
        """Return the fault for the call or webhook at hand, or None."""
        with self._lock:
            for name in among:
                if self._ordered[name] > 0:
                    self._ordered[name] -= 1
                    return name
            if self._random and self._random.randrange(self._one_in) == 0:
                return self._random.choice(among)
        return None
