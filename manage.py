#!/usr/bin/env python3
"""The one command line of the house. The first start sets up what the commands need."""

import os
import sys


def main():
    from marketplace.local import setup

    setup.enter()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
