"""Rules that several tables of settlement share: known words, known currencies, moves, rows that stay."""

from collections.abc import Mapping
from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import Q

from ledger.triggers import Rule, refuse
from licensing.domain.money import CURRENCIES


def one_of(name: str, words, field: str = "state") -> models.CheckConstraint:
    """Return the constraint that a column holds one of these words."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": [str(word) for word in words]}))


def known_currency(name: str) -> models.CheckConstraint:
    """Return the constraint that a row counts in a currency that is sold here."""
    return one_of(name, CURRENCIES, "currency")


def sql_words(words) -> str:
    """Return words as an SQL list."""
    return ", ".join(f"'{word}'" for word in words)


def moves(table: Mapping[StrEnum, frozenset[StrEnum]]) -> Rule:
    """Return the rule that a row's state moves only as its table of moves says."""
    pairs = sorted((before, after) for before in table for after in table[before])
    listed = ", ".join(f"('{before}', '{after}')" for before, after in pairs)
    return Rule(
        name="moves",
        operation=pgtrigger.UpdateOf("state"),
        func=f"""
            IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN ({listed}) THEN
                {refuse("%: no move from % to %", "TG_TABLE_NAME", "OLD.state", "NEW.state")}
            END IF;
            RETURN NEW;
        """,
    )


def frozen(*columns: str) -> Rule:
    """Return the rule that these columns keep what was first written, and that the row stays."""
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    return Rule(
        name="frozen",
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP = 'DELETE' THEN
                {refuse("%: rows are not removed", "TG_TABLE_NAME")}
            END IF;
            IF ROW({new}) IS DISTINCT FROM ROW({old}) THEN
                {refuse("%: what was agreed is not changed", "TG_TABLE_NAME")}
            END IF;
            RETURN NEW;
        """,
    )


def after_insert(name: str, func: str, **parts) -> Rule:
    """Return a rule that looks once at all rows of an INSERT, as `added`.

    Unlike a deferred rule it cannot be made to look too early by SET CONSTRAINTS.
    """
    return Rule(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        level=pgtrigger.Statement,
        referencing=pgtrigger.Referencing(new="added"),
        func=func,
        **parts,
    )
