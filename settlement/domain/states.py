"""The states of orders, lines, payments and refunds, and the moves between them.

The database triggers are written from these tables. X to X is no move and no error. A comment on each state
says who acts next.
"""

from enum import StrEnum
from typing import TypeVar


class OrderState(StrEnum):
    """The life of an order."""

    PLACED = "placed"  # the licensee: starts the payment
    AWAITING_PAYMENT = "awaiting_payment"  # the licensee, then the payment provider
    PAID = "paid"  # us: grant each line, or owe its money
    COMPLETE = "complete"  # nobody
    GRANTED_FREE = "granted_free"  # nobody
    EXPIRED = "expired"  # nobody; money that still comes goes back
    CANCELLED = "cancelled"  # nobody: the licensee wanted so; likewise
    AUTO_REFUNDING = "auto_refunding"  # we and the provider: nothing could be granted, all goes back
    PART_REFUNDED = "part_refunded"  # the provider, until the refunds of the lines are back
    REFUNDED = "refunded"  # nobody


class LineState(StrEnum):
    """The life of one line of an order."""

    OPEN = "open"  # us, as soon as the order is paid or free
    GRANTED = "granted"  # nobody
    REFUND_DUE = "refund_due"  # us and the provider: the refund is queued and retried
    REFUNDED = "refunded"  # nobody
    LAPSED = "lapsed"  # nobody: the order ended without money


class PaymentState(StrEnum):
    """The life of one try to pay: one checkout at the provider."""

    CREATED = "created"  # the licensee, on the provider's page
    PROCESSING = "processing"  # the provider: the money is on its way
    SUCCEEDED = "succeeded"  # nobody
    FAILED = "failed"  # the licensee may start another
    CANCELLED = "cancelled"  # nobody
    SURPLUS = "surplus"  # the provider: money nobody asked for goes back in full
    HELD = "held"  # a person: money that does not fit the order stands in suspense


class RefundState(StrEnum):
    """The life of a refund."""

    REQUESTED = "requested"  # us: ask the provider
    PENDING = "pending"  # the provider
    SUCCEEDED = "succeeded"  # nobody
    FAILED = "failed"  # us: ask again; the money is still owed


class RefundReason(StrEnum):
    """Why money goes back; a line says the rest in words."""

    NOT_GRANTED = "not_granted"  # the line could not be granted
    SURPLUS = "surplus"  # paid twice, or after the time to pay


class CallState(StrEnum):
    """The life of a call in the outbox."""

    WAITING = "waiting"  # us
    DONE = "done"  # nobody
    REFUSED = "refused"  # a person, if the matter is not closed by then


class EventState(StrEnum):
    """The life of an event in the inbox."""

    NEW = "new"  # us
    DONE = "done"  # nobody
    IGNORED = "ignored"  # nobody: not about anything of ours
    PARKED = "parked"  # a person: it failed too often


S = TypeVar("S", bound=StrEnum)
ORDER_MOVES: dict[OrderState, frozenset[OrderState]] = {
    OrderState.PLACED: frozenset(
        {OrderState.AWAITING_PAYMENT, OrderState.GRANTED_FREE, OrderState.EXPIRED, OrderState.CANCELLED}
    ),
    OrderState.AWAITING_PAYMENT: frozenset({OrderState.PAID, OrderState.EXPIRED, OrderState.CANCELLED}),
    OrderState.PAID: frozenset({OrderState.COMPLETE, OrderState.AUTO_REFUNDING, OrderState.PART_REFUNDED}),
    OrderState.COMPLETE: frozenset(),
    OrderState.GRANTED_FREE: frozenset(),
    OrderState.EXPIRED: frozenset(),
    OrderState.CANCELLED: frozenset(),
    OrderState.AUTO_REFUNDING: frozenset({OrderState.REFUNDED}),
    OrderState.PART_REFUNDED: frozenset(),
    OrderState.REFUNDED: frozenset(),
}
LINE_MOVES: dict[LineState, frozenset[LineState]] = {
    LineState.OPEN: frozenset({LineState.GRANTED, LineState.REFUND_DUE, LineState.LAPSED}),
    LineState.GRANTED: frozenset(),
    LineState.REFUND_DUE: frozenset({LineState.REFUNDED}),
    LineState.REFUNDED: frozenset(),
    LineState.LAPSED: frozenset(),
}
PAYMENT_MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset(
        {
            PaymentState.PROCESSING,
            PaymentState.SUCCEEDED,
            PaymentState.FAILED,
            PaymentState.CANCELLED,
            PaymentState.SURPLUS,
            PaymentState.HELD,
        }
    ),
    PaymentState.PROCESSING: frozenset(
        {PaymentState.SUCCEEDED, PaymentState.FAILED, PaymentState.SURPLUS, PaymentState.HELD}
    ),
    PaymentState.SUCCEEDED: frozenset(),
    PaymentState.FAILED: frozenset({PaymentState.SURPLUS, PaymentState.HELD}),
    PaymentState.CANCELLED: frozenset({PaymentState.SURPLUS, PaymentState.HELD}),
    PaymentState.SURPLUS: frozenset(),
    PaymentState.HELD: frozenset(),
}
REFUND_MOVES: dict[RefundState, frozenset[RefundState]] = {
    RefundState.REQUESTED: frozenset({RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED}),
    RefundState.PENDING: frozenset({RefundState.SUCCEEDED, RefundState.FAILED}),
    RefundState.SUCCEEDED: frozenset({RefundState.FAILED}),
    RefundState.FAILED: frozenset({RefundState.PENDING, RefundState.SUCCEEDED}),
}

# At most one payment of an order is in one of these.
LIVE_PAYMENTS = (PaymentState.CREATED, PaymentState.PROCESSING, PaymentState.SUCCEEDED)
# A line with a price gets its grant only where its order is in one of these.
GRANTING_ORDERS = (OrderState.PAID,)
# Lines may still be open here, and nowhere else.
UNDECIDED_ORDERS = (OrderState.PLACED, OrderState.AWAITING_PAYMENT, OrderState.PAID)
# The licensee may still pay.
PAYABLE_ORDERS = (OrderState.PLACED, OrderState.AWAITING_PAYMENT)


def allows(moves: dict[S, frozenset[S]], before: S, after: S) -> bool:
    """Tell whether the table has this move, or it is none."""
    return before == after or after in moves[before]
