"""A stranger checks the report of a sale with the network off: one file of Python, a folder and the public keys."""

import subprocess
import sys

from marketplace.local import accounts, sale
from marketplace.local.buyer import Buyer
from marketplace.local.house import BASE_DIR
from marketplace.local.services import OWN_CATALOGUE


def check(report, policy):
    command = [
        sys.executable,
        "-I",
        str(BASE_DIR / "ledger/verifier.py"),
        str(report),
        "--policy",
        str(policy),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_report_verifies_and_a_changed_one_does_not(live_house, tmp_path):
    buyer, folder = Buyer(live_house.base), OWN_CATALOGUE
    buyer.sign_in(email=accounts.buyer_email(0), password=accounts.PASSWORD)
    sold = sale.sell(buyer, sale.to_sell(sale.datasets(folder)), folder)
    report, policy = tmp_path / "report", tmp_path / "policy"
    live_house.manage("ledger_verify")
    live_house.manage("audit_report", "--asset", sold["asset"], "--out", str(report))
    live_house.manage("ledger_policy", "--out", str(policy))
    good = check(report, policy)
    assert good.returncode == 0, good.stdout + good.stderr
    facts = report / "report.json"
    facts.write_bytes(facts.read_bytes().replace(b"ark:", b"arc:", 1))
    assert check(report, policy).returncode != 0
