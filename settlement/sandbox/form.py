"""Stripe's form encoding: `line_items[0][price_data][currency]=cny` is a tree of dictionaries and lists."""

import re
from typing import Any
from urllib.parse import parse_qsl

Tree = dict[str, Any]


def decode(text: str) -> Tree:
    """Return the tree that a form body or a query string means; a later value replaces an earlier one."""
    tree: Tree = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step or str(len(node)), {})
        node[path[-1] or str(len(node))] = value
    return {name: _with_lists(value) for name, value in tree.items()}


def _with_lists(value: Any) -> Any:
    """Turn `{"0": a, "1": b}` into `[a, b]`, at every depth."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(child) for key, child in value.items()}
