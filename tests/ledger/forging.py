"""Making a report right again after a change: what a forger does who holds this or that key."""

import json
from hashlib import sha256

from ledger.domain import canonical, merkle, notes, proofs
from ledger.domain.checkpoint import text as checkpoint_text


def opened(report):
    """Return the list of files of a report, and the files."""
    manifest = json.loads((report / "manifest.json").read_bytes())
    return manifest, {name: (report / name).read_bytes() for name in manifest["files"]}


def rewrite(report, *, log_key, report_key, cosigner=None, change=lambda manifest, files: None):
    """Make every digest, hash, proof and signature of a report right again after a change."""
    manifest, files = opened(report)
    change(manifest, files)
    numbers = [each["number"] for each in manifest["entries"]]
    size = manifest["checkpoint"]["size"]
    leaves = [merkle.leaf_hash(files.get(f"entries/{n}.json", b"%d" % n)) for n in range(size)]
    origin, root = manifest["origin"], merkle.root(leaves)
    text = checkpoint_text(origin=origin, size=size, root=root)
    note = notes.sign(text, [log_key]) + (notes.cosign(text, cosigner, timestamp=1) if cosigner else "")
    link, manifest["entries"] = merkle.GENESIS, []
    for number, leaf in enumerate(leaves):
        prev, link = link, merkle.chain_hash(link, leaf)
        if number in numbers:
            proof = proofs.text(index=number, path=merkle.inclusion_proof(leaves, number), note=note)
            files[f"proofs/{number}.tlog-proof"] = proof.encode()
            place = {"leaf_hash": leaf.hex(), "prev": prev.hex(), "chain_hash": link.hex()}
            manifest["entries"].append({"number": number, **place})
    files["checkpoint"] = note.encode()
    manifest["checkpoint"] = {"size": size, "root": root.hex()}
    manifest["keys"] = {"log": notes.verifier_key(log_key), "report": notes.verifier_key(report_key)}
    place_files(report, manifest, files, report_key)


def place_files(report, manifest, files, report_key):
    """Write the files with a list of them that is signed by the key."""
    manifest["files"] = {
        name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in files.items()
    }
    for name, data in files.items():
        (report / name).write_bytes(data)
    sign_list(report, manifest, report_key)


def sign_list(report, manifest, report_key):
    """Sign a list of files as it is, whether it is true or not."""
    data = canonical.encode(manifest)
    text = f"{manifest['origin']}/reports\n{sha256(data).hexdigest()}\n"
    (report / "manifest.json").write_bytes(data)
    (report / "manifest.note").write_text(notes.sign(text, [report_key]))
