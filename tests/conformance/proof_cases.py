"""The proofs that transparency-dev/merkle publishes as testdata/inclusion and testdata/consistency.

Its cmd/proofgen derives the cases from five proofs of each sort over the tree of eight leaves. Here the
values are held, the cases derived anew under the published names; `files` gives some of them as published.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(each)
    for each in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
NODES = {
    each[:8]: bytes.fromhex(each)
    for each in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    )
}
INCLUSION = [  # index, size, path; RFC 6962, section 2.1.1
    (0, 1, ""),
    (0, 8, "96a296d2 5f083f0a 6b47aaf2"),
    (5, 8, "bc1a0643 ca854ea1 d37ee418"),
    (2, 3, "fac54203"),
    (1, 5, "6e340b9c 5f083f0a bc1a0643"),
]
CONSISTENCY = [  # old size, new size, path; RFC 6962, section 2.1.2
    (1, 1, ""),
    (1, 8, "96a296d2 5f083f0a 6b47aaf2"),
    (6, 8, "0ebc5d34 ca854ea1 d37ee418"),
    (2, 5, "5f083f0a bc1a0643"),
    (6, 7, "0ebc5d34 b08693ec d37ee418"),
]
SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
EMPTY = sha256(b"").digest()
MISSING = None  # a proof that the published file gives as null; for us the same as an empty one


@dataclass(frozen=True)
class Inclusion:
    """One case; the fields are spelled as in the published file."""

    leafIdx: int
    treeSize: int
    root: bytes
    leafHash: bytes
    proof: list[bytes] | None
    desc: str
    wantErr: bool = True


@dataclass(frozen=True)
class Consistency:
    """One case; the fields are spelled as in the published file."""

    size1: int
    size2: int
    root1: bytes
    root2: bytes
    proof: list[bytes] | None
    desc: str
    wantErr: bool = True


def path(nodes):
    """Return the hashes that begin with these digits; the missing proof where there are none."""
    return [NODES[each] for each in nodes.split()] or MISSING


def inclusion_cases():
    """Return every inclusion case by its published name."""
    found = {}
    for number, (index, size, nodes) in enumerate(INCLUSION):
        add(found, f"inclusion/{number}", inclusion_of(index, size, path(nodes)))
    for number, (index, size) in enumerate([(0, 0), (0, 1), (1, 0), (2, 1)]):
        wrong = [
            Inclusion(index, size, b"", SOME, [], "random leaf"),
            Inclusion(index, size, EMPTY, b"", [], "empty root"),
            Inclusion(index, size, EMPTY, SOME, [], "empty root and random leaf"),
        ]
        add(found, f"inclusion/additional/{number}", wrong)
    only = sha256(b"\x00data").digest()
    single = [
        Inclusion(0, 1, only, only, [], "matching root and leaf", wantErr=False),
        Inclusion(0, 1, only, b"", [], "empty leaf"),
        Inclusion(0, 1, b"", only, [], "empty root"),
        Inclusion(0, 1, b"", b"", [], "empty root and leaf"),
    ]
    add(found, "inclusion/single-entry", single)
    return found


def inclusion_of(index, size, proof):
    """Yield one good case and what is made wrong of it."""
    root, leaf, hashes = ROOTS[size - 1], sha256(b"\x00" + LEAVES[index]).digest(), proof or []
    yield Inclusion(index, size, root, leaf, proof, "happy path", wantErr=False)
    yield Inclusion((index - 1) % 2**64, size, root, leaf, proof, "leafIdx sub @1")
    yield Inclusion(index + 1, size, root, leaf, proof, "leafIdx plus @1")
    yield Inclusion(index ^ 2, size, root, leaf, proof, "leafIdx XOR @2")
    yield Inclusion(index, size * 2, root, leaf, proof, "treeSize mul @2")
    yield Inclusion(index, size // 2, root, leaf, proof, "treeSize div @2")
    yield Inclusion(index, size, root, b"WrongLeaf", proof, "wrong leaf")
    yield Inclusion(index, size, EMPTY, leaf, proof, "empty root")
    yield Inclusion(index, size, SOME, leaf, proof, "random root")
    yield Inclusion(index, size, root, leaf, [*hashes, b""], "trailing garbage")
    yield Inclusion(index, size, root, leaf, [*hashes, root], "trailing root")
    yield Inclusion(index, size, root, leaf, [b"", *hashes], "preceding garbage")
    yield Inclusion(index, size, root, leaf, [root, *hashes], "preceding root")
    for at in range(len(hashes)):
        yield Inclusion(index, size, root, leaf, flipped(hashes, at, 3), f"modified proof[{at}] bit @3")
    if hashes:
        yield Inclusion(index, size, root, leaf, hashes[:-1], "removed component")
    if len(hashes) > 1:
        inserted = [hashes[0], SOME, *hashes[1:]]
        yield Inclusion(index, size, root, leaf, inserted, "inserted component")


def consistency_cases():
    """Return every consistency case by its published name."""
    found = {}
    for number, (old, new, nodes) in enumerate(CONSISTENCY):
        add(found, f"consistency/{number}", consistency_of(old, new, path(nodes)))
    one, two, proof = b"don't care 1", b"don't care 2", [EMPTY]
    some = [
        Consistency(0, 0, one, two, [], "sizes are equal (zero) but roots are not"),
        Consistency(1, 1, one, two, [], "sizes are equal (one) but roots are not"),
        Consistency(0, 0, one, one, [], "sizes are equal (zero) and proof is empty"),
        Consistency(0, 1, one, two, [], "size1 is zero and does not equal size2"),
        Consistency(1, 1, two, two, [], "sizes are equal (one) and proof is empty", wantErr=False),
        Consistency(1, 0, one, two, [], "size1 is greater than size2"),
        Consistency(2, 1, one, two, [], "size1 is greater than size2 again"),
        Consistency(1, 2, one, two, [], "sizes do not watch and proof is empty"),
        Consistency(0, 0, EMPTY, two, [], "roots do not match and sizes are zero"),
        Consistency(1, 1, EMPTY, two, [], "roots do not not match and sizes are one"),
        Consistency(0, 0, EMPTY, EMPTY, proof, "sizes match but proof is not empty and sizes are zero"),
        Consistency(1, 1, EMPTY, EMPTY, proof, "sizes match but proof is not empty and sizes are one"),
        Consistency(0, 1, EMPTY, two, [], "size1 is zero and size2 is not zero"),
        Consistency(0, 1, EMPTY, EMPTY, proof, "consistency check on empty tree (size1 is zero) is useless"),
    ]
    add(found, "consistency/additional", some)
    return found


def consistency_of(old, new, proof):
    """Yield one good case and, unless its proof is empty, what is made wrong of it."""
    one, two = ROOTS[old - 1], ROOTS[new - 1]
    yield Consistency(old, new, one, two, proof, "happy path", wantErr=False)
    if not proof:
        return
    yield Consistency(old - 1, new, one, two, proof, "size1 sub @1")
    yield Consistency(old + 1, new, one, two, proof, "size1 plus @1")
    yield Consistency(old ^ 2, new, one, two, proof, "size1 XOR @2")
    yield Consistency(old, new * 2, one, two, proof, "size2 mul @2")
    yield Consistency(old, new // 2, one, two, proof, "size2 div @2")
    yield Consistency(old, new, b"WrongRoot", two, proof, "wrong root1")
    yield Consistency(old, new, one, b"WrongRoot", proof, "wrong root2")
    yield Consistency(old, new, two, one, proof, "swapped roots")
    yield Consistency(old, new, one, two, [], "empty proof")
    yield Consistency(old, new, one, two, [*proof, b""], "trailing garbage")
    yield Consistency(old, new, one, two, [*proof, one], "trailing root1")
    yield Consistency(old, new, one, two, [*proof, two], "trailing root2")
    yield Consistency(old, new, one, two, [b"", *proof], "preceding garbage")
    yield Consistency(old, new, one, two, [one, *proof], "preceding root1")
    yield Consistency(old, new, one, two, [two, *proof], "preceding root2")
    yield Consistency(old, new, one, two, [proof[0], *proof], "preceding proof @0")
    yield Consistency(old, new, one, two, proof[:-1], "truncated proof")
    for at in range(len(proof)):
        yield Consistency(old, new, one, two, flipped(proof, at, 4), f"modified proof@{at} bit @4")


def add(found, folder, cases):
    """File each case under the name its description gives it."""
    for case in cases:
        name = case.desc.replace("(", "").replace(")", "").replace(" ", "-")
        assert f"{folder}/{name}" not in found
        found[f"{folder}/{name}"] = case


def flipped(proof, at, bit):
    """Return the proof with one bit of one hash flipped."""
    return [*proof[:at], bytes([proof[at][0] ^ 1 << bit, *proof[at][1:]]), *proof[at + 1 :]]


def as_published(case):
    """Return the bytes of the file in which the case is published."""
    fields = dict(vars(case))
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = b64encode(value).decode()
    if case.proof is not MISSING:
        fields["proof"] = [b64encode(each).decode() for each in case.proof]
    return json.dumps(fields, indent=2).encode()
