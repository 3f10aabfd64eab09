"""Draw a 3D model flat: the triangles of a binary glTF 2.0 file, seen from the front and a little above.

Reads the meshes of the default scene with their nodes' transforms; positions must be floats, as the specification
asks. Left out: skins, morph targets, textures, compressed meshes and sparse accessors.
"""

import json
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

Vector = tuple[float, float, float]
Triangle = tuple[Vector, Vector, Vector]
MOST_TRIANGLES = 400
_INDEX = {5121: "B", 5123: "H", 5125: "I"}
_TURN, _TILT = math.radians(35), math.radians(20)


class ModelUnreadable(Exception):
    """The file is no binary glTF, or one that needs what is left out here."""


def silhouette(data: bytes) -> list[list[float]]:
    """Return at most 400 triangles, the farthest first, as x1 y1 x2 y2 x3 y3 shade. Raises ModelUnreadable."""
    try:
        document, buffer = _chunks(data)
        triangles = list(_scene(document, buffer))
    except (KeyError, IndexError, TypeError, ValueError, struct.error, RecursionError) as error:
        raise ModelUnreadable(str(error)) from error
    if not triangles:
        raise ModelUnreadable("no triangles")
    seen = [tuple(_turned(corner) for corner in triangle) for triangle in triangles]
    facing = [(a, b, c) for a, b, c in seen if _across(a, b, c) > 0]  # the others show their backs
    largest = sorted(facing, key=lambda t: -_across(*t))[:MOST_TRIANGLES]
    largest.sort(key=lambda t: t[0][2] + t[1][2] + t[2][2])
    return [
        [round(value, 4) for x, y, _ in triangle for value in (x, -y)] + [round(_shade(*triangle), 2)]
        for triangle in largest
    ]


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Take the file apart: header, JSON chunk, binary chunk (glTF 2.0, section 4.4)."""
    magic, version, _ = struct.unpack_from("<4sII", data, 0)
    if magic != b"glTF" or version != 2:
        raise ValueError("not a binary glTF 2.0 file")
    length, kind = struct.unpack_from("<I4s", data, 12)
    if kind != b"JSON":
        raise ValueError("the first chunk is not JSON")
    document = json.loads(data[20 : 20 + length])
    place = 20 + length
    size, kind = struct.unpack_from("<I4s", data, place)
    if kind != b"BIN\0":
        raise ValueError("the second chunk is not binary")
    return document, data[place + 8 : place + 8 + size]


def _scene(document: dict[str, Any], buffer: bytes) -> Iterator[Triangle]:
    nodes = document.get("nodes", [])

    def below(number: int, outer: Sequence[float]) -> Iterator[Triangle]:
        node = nodes[number]
        matrix = _product(outer, _matrix(node))
        if "mesh" in node:
            for primitive in document["meshes"][node["mesh"]]["primitives"]:
                for corners in _primitive(document, buffer, primitive):
                    a, b, c = (_moved(matrix, corner) for corner in corners)
                    yield a, b, c
        for child in node.get("children", []):
            yield from below(child, matrix)

    for number in document["scenes"][document.get("scene", 0)]["nodes"]:
        yield from below(number, _IDENTITY)


def _primitive(document: dict[str, Any], buffer: bytes, primitive: dict[str, Any]) -> Iterator[Triangle]:
    if primitive.get("mode", 4) != 4:
        return
    points = list(_accessor(document, buffer, primitive["attributes"]["POSITION"], "fff"))
    if "indices" in primitive:
        kind = _INDEX[document["accessors"][primitive["indices"]]["componentType"]]
        order = [index for (index,) in _accessor(document, buffer, primitive["indices"], kind)]
    else:
        order = list(range(len(points)))
    for place in range(0, len(order) - 2, 3):
        yield points[order[place]], points[order[place + 1]], points[order[place + 2]]


def _accessor(document: dict[str, Any], buffer: bytes, number: int, layout: str) -> Iterator[Any]:
    accessor = document["accessors"][number]
    view = document["bufferViews"][accessor["bufferView"]]
    size = struct.calcsize("<" + layout)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    step = view.get("byteStride", size)
    for place in range(accessor["count"]):
        yield struct.unpack_from("<" + layout, buffer, start + place * step)


_IDENTITY = (1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0)


def _matrix(node: dict[str, Any]) -> Sequence[float]:
    """Return a node's transform, column by column, from its matrix or its parts."""
    if "matrix" in node:
        return [float(value) for value in node["matrix"]]
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    sx, sy, sz = node.get("scale", (1, 1, 1))
    tx, ty, tz = node.get("translation", (0, 0, 0))
    return (
        *(sx * v for v in (1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w))), 0,
        *(sy * v for v in (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w))), 0,
        *(sz * v for v in (2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y))), 0,
        tx, ty, tz, 1,
    )  # fmt: skip


def _product(a: Sequence[float], b: Sequence[float]) -> Sequence[float]:
    return [sum(a[k * 4 + row] * b[col * 4 + k] for k in range(4)) for col in range(4) for row in range(4)]


def _moved(m: Sequence[float], p: Vector) -> Vector:
    x, y, z = (m[row] * p[0] + m[4 + row] * p[1] + m[8 + row] * p[2] + m[12 + row] for row in range(3))
    return x, y, z


def _turned(p: Vector) -> Vector:
    """Turn a point about the upright axis, then tilt it towards the reader."""
    x = p[0] * math.cos(_TURN) + p[2] * math.sin(_TURN)
    z = p[2] * math.cos(_TURN) - p[0] * math.sin(_TURN)
    return x, p[1] * math.cos(_TILT) - z * math.sin(_TILT), p[1] * math.sin(_TILT) + z * math.cos(_TILT)


def _across(a: Vector, b: Vector, c: Vector) -> float:
    """Return twice the area as seen; below zero for a triangle that faces away."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


def _shade(a: Vector, b: Vector, c: Vector) -> float:
    """Return how much light from the upper left a face gets, 0 to 1."""
    u, v = [b[i] - a[i] for i in range(3)], [c[i] - a[i] for i in range(3)]
    normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
    length = math.hypot(*normal) or 1.0
    light = (-0.45 * normal[0] + 0.7 * normal[1] + 0.55 * normal[2]) / length
    return min(1.0, max(0.0, 1 - (light + 1) / 2))
