"""`manage.py ledger_erase`: takes away what a commitment hides, and leaves entry and commitment where they are."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from ledger import clock
from ledger import queries as ledger
from ledger.domain.openings import Ground
from ledger.errors import LedgerError
from licensing import queries as licensing
from licensing.errors import Refused
from marketplace.actions import erasures


class Command(BaseCommand):
    """Erases by entry, by grant or for a whole person; lists what was erased, and erases it again after a restore."""

    help = "Erase personal values beside the ledger; an entry says what, and on which ground."

    def add_arguments(self, parser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--entry", type=int, metavar="N", help="what entry N commits to")
        what.add_argument("--grant", metavar="NO", help="what the licensee said for a grant, by its number")
        what.add_argument(
            "--party", type=UUID, metavar="ID", help="all that a licensee ever said, and the name"
        )
        what.add_argument("--list", action="store_true", help="print all erasures, to be kept with backups")
        what.add_argument("--replay", action="store_true", help="erase again what a backup brought back")
        parser.add_argument("--field", action="append", metavar="F", help="only this field; may be repeated")
        parser.add_argument("--ground", choices=[str(ground) for ground in Ground])
        parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="a list, for --replay")

    def handle(self, **options: Any) -> None:
        """Do what was asked. Raises CommandError with the reason where that is refused."""
        if options["list"]:
            for document in ledger.erasures():
                self.stdout.write(json.dumps(document, ensure_ascii=False, sort_keys=True))
            return
        if not options["replay"] and not options["ground"]:
            raise CommandError("Say on which ground: --ground " + ", ".join(Ground))
        try:
            self.stdout.write(self.erase(**options))
        except (LedgerError, Refused, OSError, ValueError) as error:
            raise CommandError(str(error)) from error

    def erase(self, *, entry, grant, party, field, ground, replay, source, **_: Any) -> str:
        """Erase, and return a sentence about it."""
        now = clock.now()
        if replay:
            lines = source.read_text().splitlines() if source else []
            again = erasures.replay(documents=[json.loads(line) for line in lines], now=now)
            return f"{again} fields were erased again."
        if party:
            count = erasures.erase_person(party_id=party, ground=ground, now=now)
            return f"Erased: what was said for {count} grants, and the name."
        if grant:
            row = licensing.grant_numbered(grant)
            erased = erasures.erase_grant(grant_id=row.pk, fields=field, ground=ground, now=now)
        else:
            intent_id = ledger.entry(entry).intent_id
            erased = erasures.erase_intent(intent_id=intent_id, fields=field, ground=ground, now=now)
        return f"Erased: {', '.join(erased)}." if erased else "Nothing was left to erase."
