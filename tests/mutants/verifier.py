"""Break the offline verifier, one condition at a time, and see that a case of the corpus notices.

    python -m tests.mutants.verifier [--every N]      from the root of the repository

Every `if` is never taken, always taken and turned round; every comparison is turned round or moved by one; every
part of an `and` or `or` is dropped. A mutant is killed when what it prints or returns differs, or when it crashes
or hangs. What is left alive is printed with its line.
"""

import argparse
import ast
import copy
import os
import signal
import sys
import tempfile
import types
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "ledger" / "verifier.py"
SECONDS = 5
TURNED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip
MOVED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


@dataclass
class Mutant:
    """One change of the verifier."""

    line: int
    what: str
    tree: ast.Module


def mutants(*, every=1, start=0):
    """Yield each so-manieth mutant."""
    tree = ast.parse(SOURCE.read_text())
    tree.body.pop()  # `if __name__ == "__main__"`, which only another process could try
    sites = [(number, node, *each) for number, node in enumerate(ast.walk(tree)) for each in _changes(node)]
    for number, node, what, change in sites[start::every]:
        changed = copy.deepcopy(tree)
        change(next(islice(ast.walk(changed), number, None)))
        yield Mutant(node.lineno, f"{what}: {ast.unparse(node).splitlines()[0][:90]}", changed)


def _changes(node):
    if isinstance(node, ast.If | ast.IfExp):
        for value in (False, True):
            yield f"always {value}", lambda found, value=value: setattr(found, "test", ast.Constant(value))
        if not isinstance(node.test, ast.Compare):
            yield "turned", lambda found: setattr(found, "test", ast.UnaryOp(ast.Not(), found.test))
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            for table in (TURNED, MOVED):
                if type(operator) in table:
                    new = table[type(operator)]
                    yield new.__name__, lambda found, at=at, new=new: found.ops.__setitem__(at, new())
    if isinstance(node, ast.BoolOp):
        for at in range(len(node.values)):
            yield f"without part {at + 1}", lambda found, at=at: found.values.pop(at)
    if isinstance(node, ast.comprehension) and node.ifs:
        yield "without its if", lambda found: found.ifs.clear()


# `ast.comprehension` has no line of its own; that of its iterable is as good.
ast.comprehension.lineno = property(lambda self: self.iter.lineno)


def load(tree):
    """Return a module made of a tree."""
    module = types.ModuleType("verifier")
    exec(compile(ast.fix_missing_locations(tree), "verifier", "exec"), module.__dict__)
    return module


class Corpus:
    """The cases, written down once, with what the real verifier says of each."""

    def __init__(self, folder):
        from tests.ledger.cases import cases

        verifier = load(ast.parse(SOURCE.read_text()))
        self.cases = [(case, case.place(folder / str(number))) for number, case in enumerate(cases())]
        self.expected = [case.run(verifier, arguments) for case, arguments in self.cases]
        self.order = sorted(range(len(self.cases)), key=lambda number: self.cases[number][0].bytes)

    def kills(self, mutant):
        """Tell whether a case notices a mutant; the case that does is tried first for the next."""
        try:
            module = load(mutant.tree)
        except Exception:
            return True
        for number in self.order:
            case, arguments = self.cases[number]
            if self._run(case, module, arguments) != self.expected[number]:
                self.order.remove(number)
                self.order.insert(0, number)
                return True
        return False

    def _run(self, case, module, arguments):
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            return case.run(module, arguments)
        except (Exception, SystemExit) as error:
            return repr(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


class Hangs(Exception):
    pass


def _stop(number, frame):
    raise Hangs


def survivors(*, every=1, start=0):
    """Return how many mutants were tried, and those that no case noticed."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(Path(folder))
        tried, alive = 0, []
        for mutant in mutants(every=every, start=start):
            tried += 1
            if not corpus.kills(mutant):
                alive.append(mutant)
        return tried, alive


def main():
    """Try them all and print the share that was killed."""
    parser = argparse.ArgumentParser(description="Break the offline verifier, one condition at a time.")
    parser.add_argument("--every", type=int, default=1, help="try each Nth mutant only")
    tried, alive = survivors(every=parser.parse_args().every)
    for mutant in alive:
        print(f"alive: line {mutant.line}, {mutant.what}")
    print(f"{tried - len(alive)} of {tried} killed, {100 * (tried - len(alive)) / tried:.1f} %")
    return 0 if len(alive) <= 0.05 * tried else 1


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    import django

    django.setup()
    sys.exit(main())
