"""What the payment provider says, in our words: checkouts, charges and refunds, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from licensing.domain.money import Money


class CheckoutState(StrEnum):
    """What has become of a pay page."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Charge:
    """Money that the provider took: its own reference, and the payment it was made for."""

    ref: str
    checkout_ref: str
    payment_id: UUID | None
    amount: Money
    livemode: bool

    @property
    def fact(self) -> str:
        """Return the key of the fact; events that tell it have many ids, the fact has one."""
        return f"{self.ref}:succeeded"


@dataclass(frozen=True)
class Checkout:
    """A pay page at the provider."""

    ref: str
    url: str
    state: CheckoutState
    payment_id: UUID | None
    expires_at: datetime
    charge: Charge | None = None


@dataclass(frozen=True)
class MoneyBack:
    """A refund at the provider: `succeeded`, `failed` or still on its way."""

    ref: str
    refund_id: UUID | None
    amount: Money
    succeeded: bool
    failed: bool
