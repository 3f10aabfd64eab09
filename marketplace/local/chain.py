"""The test chain of a fresh clone: anvil from npm, which mines a block for each transaction and none otherwise.

Its state lies in `.wenshi/chain/` and is written every second, so a kill loses at most a second. The house speaks
to it through a socket in a folder of mode 0700. Anvil cannot do without a port, so it has any free one of the
loopback address, told to nobody. Standard library only.
"""

import json
import os
import platform
import shutil
import signal
import socket
from pathlib import Path

from marketplace.local.house import BASE_DIR, House, Trouble

CHAIN_ID = 931_337  # of no other chain, so that a transaction of ours is worth nothing anywhere else
SOCKET = "anvil.ipc"
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def address(house: House) -> str:
    """Return where the chain's socket is, known before it runs; nothing where no anvil is installed."""
    return str(house.sockets("chain") / SOCKET) if installed() else ""


def installed() -> Path | None:
    """Return anvil's program for this machine, if npm brought one."""
    machine = f"{platform.system().lower()}-{ARCHITECTURES.get(platform.machine().lower())}"
    program = BASE_DIR / f"node_modules/@foundry-rs/anvil-{machine}/bin/anvil"
    return program if program.exists() else None


def answers(house: House) -> bool:
    """Tell whether the chain answers a real question."""
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    with socket.socket(socket.AF_UNIX) as chain:
        chain.settimeout(5)
        try:
            chain.connect(str(house.sockets("chain") / SOCKET))
            chain.sendall(json.dumps(question).encode())
            heard = b""
            while not heard.rstrip().endswith(b"}"):
                part = chain.recv(1000)
                if not part:
                    break
                heard += part
        except OSError:
            return False
    return hex(CHAIN_ID).encode() in heard


class NoChain(Trouble):
    """No anvil is installed that we could start."""


class Chain:
    """How the keeper prepares, starts and stops the chain."""

    stop_signal = signal.SIGTERM

    def __init__(self, house: House) -> None:
        self.house = house
        self.state = house.state / "chain" / "state.json"

    def program(self) -> Path:
        """Return anvil's program. Raises NoChain."""
        if program := installed():
            return program
        raise NoChain("No anvil was found: run npm ci, or set EVM_RPC_URL.")

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return [
            str(self.program()),
            *("--quiet", "--accounts", "0", "--chain-id", str(CHAIN_ID)),
            *("--ipc", str(self.house.sockets("chain") / SOCKET)),
            *("--host", "127.0.0.1", "--port", "0", "--no-cors"),
            *("--state", str(self.state), "--state-interval", "1"),
        ]

    def prepare(self) -> None:
        """Put a copy of the state aside, or back where a kill has torn the file, which anvil writes in place."""
        whole, draft = self.state.with_suffix(".whole"), self.state.with_suffix(".draft")
        source, target = (self.state, whole) if is_whole(self.state) else (whole, self.state)
        if source.exists():
            shutil.copyfile(source, draft)
            os.replace(draft, target)
        else:
            target.unlink(missing_ok=True)


def is_whole(state: Path) -> bool:
    """Tell whether a state file is there and can be read to its end."""
    try:
        json.loads(state.read_bytes())
    except (OSError, ValueError):
        return False
    return True
