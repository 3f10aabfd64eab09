"""The embedded test chain as the ledger's gateway asks for it: started when it is first needed.

A chain that does not start is left alone for a while: the worker that waits for it has more important work.
"""

import time

from ledger.errors import ChainUnreachable
from marketplace.local import house, servers

START_SECONDS = 10
LEFT_ALONE_SECONDS = 300

_failed: dict[house.House, tuple[float, str]] = {}  # when it last did not start, and why


def hold() -> None:
    """Use the embedded chain until this process ends, starting it if it does not answer. Raises ChainUnreachable."""
    here = house.default()
    since, reason = _failed.get(here, (0.0, ""))
    if reason and time.monotonic() - since < LEFT_ALONE_SECONDS:
        raise ChainUnreachable(reason)
    try:
        servers.hold("chain", house=here, seconds=START_SECONDS)
        _failed.pop(here, None)
    except house.Trouble as error:
        _failed[here] = time.monotonic(), str(error)
        raise ChainUnreachable(str(error)) from error
