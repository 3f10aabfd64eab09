"""A small writer of C2SP tlog-tiles, straight from the text, for a log that the client in Go is to read."""

from ledger.domain import checkpoint, merkle, notes

WIDTH = 256


def write_log(folder, *, origin, private_key, entries):
    """Write the tiles, the entry bundles and the signed checkpoint of these entries. Return the root."""
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    for number, bundle in enumerate(split(entries)):
        data = b"".join(len(entry).to_bytes(2, "big") + entry for entry in bundle)
        save(folder, f"tile/entries/{spelled(number, len(bundle))}", data)
    level, hashes = 0, leaves
    while hashes:
        for number, tile in enumerate(split(hashes)):
            save(folder, f"tile/{level}/{spelled(number, len(tile))}", b"".join(tile))
        level, hashes = level + 1, [merkle.root(tile) for tile in split(hashes) if len(tile) == WIDTH]
    root = merkle.root(leaves)
    text = checkpoint.text(origin=origin, size=len(leaves), root=root)
    save(folder, "checkpoint", notes.sign(text, [private_key]).encode())
    return root


def split(items):
    """Return the items in runs of 256; the last may be shorter."""
    return [items[start : start + WIDTH] for start in range(0, len(items), WIDTH)]


def spelled(number, width):
    """Return the path of a tile: x001/x234/067 for 1,234,067, and .p/<width> when it is not full."""
    digits = f"{number:03d}".rjust(-(-len(f"{number:03d}") // 3) * 3, "0")
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def save(folder, name, data):
    """Write one file below the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
