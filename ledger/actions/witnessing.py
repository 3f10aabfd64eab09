"""Asking all outside witnesses of a policy for their cosignatures, beside each other and for a limited time."""

import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue

from ledger.domain.policy import Policy, Witness
from ledger.errors import LedgerError, WitnessFailed
from ledger.gateways import witnesses

SECONDS = 5.0


def gather(
    *,
    note: str,
    policy: Policy,
    last_cosigned: Mapping[str, int],
    consistency: Callable[[int], list[bytes]],
    seconds: float = SECONDS,
) -> tuple[list[str], list[WitnessFailed]]:
    """Return the cosignature lines that came in time, and why the others did not.

    `last_cosigned` says the size that each witness, by its name in the policy, is known to have cosigned last.
    `consistency` is called from other threads, so it must not touch the database. Witnesses with one address are
    one server and are asked once.
    """
    servers: dict[str, list[Witness]] = {}
    for witness in policy.outside:
        servers.setdefault(str(witness.url), []).append(witness)
    answers: SimpleQueue[tuple[str, list[str] | BaseException]] = SimpleQueue()

    def ask(url: str, asked: list[Witness]) -> None:
        try:
            answers.put(
                (
                    url,
                    witnesses.cosign(
                        name=_names(asked),
                        url=url,
                        vkeys=[each.vkey for each in asked],
                        note=note,
                        old_size=max(last_cosigned.get(each.name, 0) for each in asked),
                        consistency=consistency,
                        timeout_seconds=seconds,
                    ),
                )
            )
        except BaseException as error:  # for the caller's thread, which is where it is answered
            answers.put((url, error))

    for url, asked in servers.items():
        threading.Thread(target=ask, args=(url, asked), daemon=True).start()
    return _collect(servers, answers, until=time.monotonic() + seconds)


def _collect(
    servers: dict[str, list[Witness]],
    answers: "SimpleQueue[tuple[str, list[str] | BaseException]]",
    *,
    until: float,
) -> tuple[list[str], list[WitnessFailed]]:
    lines: list[str] = []
    failures: list[WitnessFailed] = []
    waiting = dict(servers)
    while waiting:
        try:
            url, answer = answers.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        asked = waiting.pop(url)
        if isinstance(answer, list):
            lines += answer
        elif isinstance(answer, WitnessFailed):
            failures.append(answer)
        elif isinstance(answer, LedgerError):
            failures.append(WitnessFailed(_names(asked), str(answer)))
        else:
            raise answer
    failures += [WitnessFailed(_names(asked), "it did not answer in time") for asked in waiting.values()]
    return lines, failures


def _names(asked: list[Witness]) -> str:
    return ", ".join(each.name for each in asked)
