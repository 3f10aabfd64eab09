"""`manage.py demo`: set the house up, sell one dataset and give one away by machine, then serve until Ctrl-C."""

import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ledger import clock
from ledger import queries as ledger
from marketplace.actions import imports
from marketplace.domain.catalogue import CatalogueUnreadable
from marketplace.local import accounts, house, sale, servers
from marketplace.local.buyer import Buyer, Refused, Unanswered
from marketplace.local.services import PortTaken, Services, claim, folder_of
from marketplace.local.supervisor import NotReady
from marketplace.management.commands.import_catalogue import as_json
from marketplace.queries import catalogue

CHECKPOINT_SECONDS = 30
TROUBLES = (
    PortTaken,
    NotReady,
    Refused,
    Unanswered,
    OSError,
    CatalogueUnreadable,
    sale.Differs,
    sale.NothingFits,
    servers.ServerFailed,
)


class Command(BaseCommand):
    help = "Set the house up, sell one dataset and give one away over HTTP, then serve until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument(
            "--data", metavar="DIR", help="folder with a demo-catalogue.json (else WENSHI_DATA)"
        )
        parser.add_argument("--port", type=int, default=8000, help="port of the pages on 127.0.0.1")
        parser.add_argument("--once", action="store_true", help="stop after the sale")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data, port, once, **options):
        self.seconds: dict[str, float] = {}
        if took := os.environ.get("WENSHI_SETUP_SECONDS"):
            self.seconds["set-up"] = round(sum(json.loads(took).values()), 2)
        folder = self.folder(data)
        if os.environ.get("STRIPE_SECRET_KEY"):
            raise CommandError(
                "STRIPE_SECRET_KEY is set: the demo pays at the built-in sandbox only, so unset it."
            )
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        services, self.serving = Services(house=house.default(), port=port), False
        try:
            claim(port)
            with self.alone(services.house):
                self.run(services, folder, once=once, as_json=options["json"])
        except TROUBLES as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stderr.write("\nStopping.")
            if not self.serving:
                sys.exit(130)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            services.stop()

    @contextmanager
    def alone(self, place: house.House) -> Iterator[None]:
        """See that one demonstration runs in a house: two would share the sandbox's memory."""
        with open(place.lock("demo", "own"), "a") as own:
            try:
                fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError(
                    "A demo of this folder runs already: stop it, or name another state folder with WENSHI_STATE."
                ) from None
            yield

    def folder(self, given: str | None) -> Path:
        """Return the catalogue's folder, or say that it holds none."""
        folder = folder_of(given)
        if not (folder / "demo-catalogue.json").is_file():
            raise CommandError(
                f"{folder} holds no demo-catalogue.json: name the folder that does with --data."
            )
        return folder

    def run(self, services: Services, folder: Path, *, once: bool, as_json: bool) -> None:
        """Go through the steps; each prints a line and is timed."""
        with self.step("migrate", "Database: start, make, migrate"):
            call_command("migrate", verbosity=0)
        with self.step("import", f"Catalogue: import from {folder}"):
            refused = self.import_from(folder)
            listings, people = catalogue.count_on_sale(), accounts.open_all()
            to_sell, to_give = sale.to_sell(self.offered), sale.to_give(self.offered)
        with self.step("start", f"House: start web, worker, beat and Stripe sandbox on {services.base}"):
            services.start()
        with self.step("sell", "Sale: search, order, pay, grant, download"):
            buyer = Buyer(services.base)
            buyer.sign_in(email=people.buyer.email, password=people.buyer.password)
            paid = sale.sell(buyer, to_sell, folder)
        with self.step("give", "Free: search and download without an account"):
            free = sale.give(Buyer(services.base), to_give, folder)
        with self.step("verify", "Ledger: verify the whole log, then a report offline"):
            checkpoint = self.verify(paid["asset"], max(paid["entry"], free["entry"]))
        self.serving = not once  # from here on to be stopped is how it ends
        self.where_to_look(services, people, paid)
        if not once:
            self.stdout.write(f"Serving on {services.base} until Ctrl-C.")
        if as_json:
            result = {
                "asset": paid.pop("asset"),
                "listings": listings,
                "refused": refused,
                "paid": paid,
                "free": free,
                "checkpoint": checkpoint,
                "verified": True,
                "seconds": self.seconds,
            }
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        self.stdout.flush()
        while not once:
            services.supervisor.revive()
            time.sleep(1)

    @contextmanager
    def step(self, name: str, sentence: str) -> Iterator[None]:
        """Print what is being done, and how long it took."""
        self.stdout.write(f"[{len(self.seconds) + 1}] {sentence} ...", ending="")
        self.stdout.flush()
        began = time.monotonic()
        try:
            yield
        except Exception:
            self.stdout.write("")  # what went wrong begins a line of its own
            raise
        self.seconds[name] = round(time.monotonic() - began, 2)
        self.stdout.write(f" {self.seconds[name]} s")

    def import_from(self, folder: Path) -> list[dict]:
        """Import the good catalogue, note what is on offer, then try the other one; return what that was refused."""
        kept_out = self.import_one(folder / "demo-catalogue.json", folder)
        for one in kept_out:
            self.stdout.write(f"\n    not let in: {one['id']}: {one['reason']}", ending="")
        ids = {one["id"] for one in kept_out}
        self.offered = [
            one for one in sale.datasets(folder) if isinstance(one, dict) and one.get("id") not in ids
        ]
        invalid = folder / "demo-catalogue-invalid.json"
        return self.import_one(invalid, folder) if invalid.is_file() else []

    def import_one(self, path: Path, folder: Path) -> list[dict]:
        """Import a catalogue and return the refused ones with their reasons."""
        report = imports.run(catalogue=path, files=folder, now=clock.now(), progress=self.tick)
        return [{"id": one["id"], "reason": one["reason"]} for one in as_json(report)["refused"]]

    def tick(self, _what: str) -> None:
        """Show that a step goes on."""
        self.stdout.write(".", ending="")
        self.stdout.flush()

    def verify(self, asset: str, entry: int) -> dict:
        """Wait for a checkpoint over the entries of both sales, check the whole log, then a report without Django."""
        checkpoint = self.checkpoint_over(entry)
        call_command("ledger_verify", stdout=io.StringIO())
        place = house.default().folder("demo")
        report, policy = place / "report", place / "policy"
        shutil.rmtree(report, ignore_errors=True)
        call_command("audit_report", asset=asset, out=report, stdout=io.StringIO())
        call_command("ledger_policy", out=policy, stdout=io.StringIO())
        check = [sys.executable, "-I", "ledger/verifier.py", str(report), "--policy", str(policy)]
        done = subprocess.run(check, cwd=house.BASE_DIR, capture_output=True, text=True)
        if done.returncode:
            raise CommandError(
                f"The report in {report} does not verify: {(done.stdout + done.stderr).strip()}"
            )
        self.check_again = f"python ledger/verifier.py {report} --policy {policy}"
        return {"size": checkpoint.size, "root": bytes(checkpoint.root).hex()}

    def checkpoint_over(self, entry: int):
        """Wait until a signed checkpoint covers an entry. The timetable of the house makes one each second."""
        deadline = time.monotonic() + CHECKPOINT_SECONDS
        while not (latest := ledger.latest_checkpoint()) or latest.size <= entry:
            if time.monotonic() > deadline:
                raise CommandError(f"No checkpoint over entry {entry} came within {CHECKPOINT_SECONDS} s.")
            time.sleep(0.1)
        return latest

    def where_to_look(self, services: Services, people: accounts.People, paid: dict) -> None:
        """Print the addresses worth opening and who can sign in."""
        base, lines = services.base, [""]
        pages = {
            "Home": "/en/ and /zh-hans/",
            "What was sold": f"/id/{paid['asset']}",
            "Its grant on the ledger": f"/en/ledger/entries/{paid['entry']}/",
            "Verify": "/en/verify/",
            "API": "/api/docs/",
            "Mails of the demo": "/en/mailbox/",
            "Admin": "/admin/",
        }
        lines += [f"  {name:24} {base}{path}" for name, path in pages.items()]
        lines += ["", f"  Sign in with the password {accounts.PASSWORD} as"]
        lines += [f"  {person.email:40} {person.who}" for person in people.all()]
        lines += ["", f"  Check the report offline  {self.check_again}", ""]
        self.stdout.write("\n".join(lines))
