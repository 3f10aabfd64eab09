"""Tables of settlement: what was ordered, what was paid, what went back, and the journal of it all."""

from settlement.models.journal import Account, JournalEntry, Posting
from settlement.models.orders import LineShare, Order, OrderEvent, OrderLine
from settlement.models.payments import Payment, Refund, RefundShare
from settlement.models.traffic import InboxEvent, OutboxCall

__all__ = [
    "Account",
    "InboxEvent",
    "JournalEntry",
    "LineShare",
    "Order",
    "OrderEvent",
    "OrderLine",
    "OutboxCall",
    "Payment",
    "Posting",
    "Refund",
    "RefundShare",
]
