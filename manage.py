#!/usr/bin/env python3
"""The one command line of the house. The first start sets up what the commands need."""

import os
import sys
import traceback


def main():
    from marketplace.local import setup

    setup.enter()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        sys.exit(setup.explain(error) or traceback.format_exc())


if __name__ == "__main__":
    main()
