"""`manage.py ledger_verify`: another name of `ledger_fsck`."""

from ledger.management.commands.ledger_fsck import Command

__all__ = ["Command"]
