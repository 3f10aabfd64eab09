"""`python -m ledger.witness --state DIR --log VKEY`: the same as `manage.py witness`, without the house around it.

Needs Python, Django (for the sentences of its errors) and `cryptography`; no database, no settings.
"""

import argparse
import os
import sys

from django.conf import settings

from ledger.errors import LedgerError
from ledger.witness import command


def main() -> None:
    """Read the options and serve."""
    settings.configure(CLOCK_FILE=os.environ.get("CLOCK_FILE"), USE_I18N=False)
    parser = argparse.ArgumentParser(prog="ledger.witness", description="Cosign the checkpoints of logs.")
    command.add_arguments(parser)
    try:
        command.run(**vars(parser.parse_args()))
    except LedgerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
