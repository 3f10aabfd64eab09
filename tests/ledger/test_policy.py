"""C2SP tlog-policy, read strictly: what it takes, what it refuses and on which line, and what a quorum is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import notes
from ledger.domain.cosignatures import ED25519_COSIGNATURE, ML_DSA_44
from ledger.domain.keys import Keys
from ledger.domain.policy import Group, Log, Policy, Range, Witness
from ledger.errors import KeyUnusable, NoteInvalid, PolicyInvalid
from tests.ledger import witnessing

ORIGIN = witnessing.ORIGIN
NOW = 1_800_000_000


def key(name, seed, kind=ED25519_COSIGNATURE):
    return notes.new_key(name, bytes([seed]) * 32, kind=kind)


def vkey(name, seed, kind=ED25519_COSIGNATURE):
    return notes.verifier_key(key(name, seed, kind))


LOG = vkey(ORIGIN, 1, notes.ED25519)
W = [vkey(f"w{n}.example", 10 + n) for n in range(1, 7)]
REPORT = vkey(f"{ORIGIN}/reports", 3, notes.ED25519)
ID = "+".join(LOG.split("+")[:2])
HEAD = f"log {LOG}\nwitness a {W[0]}\nwitness b {W[1]}\n"


def parse(text):
    return Policy.parse(text.encode() if isinstance(text, str) else text)


def test_the_example_of_the_specification_is_read():
    names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    lines = [f"log {LOG}", "", *(f"witness {name} {k}" for name, k in zip(names[:3], W, strict=False))]
    lines += ["group X-witnesses 2 X1 X2 X3", ""]
    lines += [f"witness {name} {k}" for name, k in zip(names[3:], W[3:], strict=True)]
    lines += [
        "group Y-witnesses any Y1 Y2 Y3",
        "",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
    ]
    policy = parse("\n".join(lines) + "\n")
    assert policy.holds(["X1", "X3", "Y2"])
    assert not policy.holds(["X1", "Y1", "Y2", "Y3"])
    assert not policy.holds(["X1", "X2", "X3"])
    assert not policy.holds(["X-witnesses", "Y-witnesses", "X-and-Y"])


def test_spaces_tabs_comments_and_octets_beyond_ascii_are_taken():
    policy = parse(
        b"# \xff\n\t log\t"
        + LOG.encode()
        + b" https://l\xc3\xb6g \n#reporter x\n #valid "
        + ID.encode()
        + b" 0 9\nwitness \xff\xc2\xa0 "
        + W[0].encode()
        + b"\nquorum \xff\xc2\xa0\n"
    )
    assert policy.logs == (Log(LOG, "https://lög"),)
    assert policy.quorum == b"\xff\xc2\xa0".decode("utf-8", "surrogateescape")
    assert policy.ranges == (Range(ID, 0, 9),)
    assert parse(policy.render()) == policy


REFUSED = [
    ("", 1, "no quorum line"),
    (HEAD, 3, "no quorum line"),
    (HEAD + "quorum none", 4, "newline"),
    (HEAD + "quorum none\nquorum none\n", 5, "already"),
    (HEAD + "quorum c\n", 4, "not defined"),
    ("quorum a\n" + HEAD, 1, "not defined"),
    (HEAD + "quorum\n", 4, "expected quorum"),
    (HEAD + "quorum a b\n", 4, "expected quorum"),
    (HEAD + "quorum a\r\n", 4, "octet 0x0d"),
    (HEAD + "# \0\nquorum a\n", 4, "octet 0x00"),
    (HEAD + "# \x7f\nquorum a\n", 4, "octet 0x7f"),
    (HEAD + "Quorum a\n", 4, "begins no line"),
    (HEAD + "quorum\u00a0a\n", 4, "begins no line"),
    ("log\n", 1, "expected log"),
    (f"log {LOG} u v\n", 1, "expected log"),
    (f"log {LOG.replace(ID, ORIGIN + '+00000000')}\n", 1, "ID does not belong"),
    (f"log {W[0]}\n", 1, "kind 0x04"),
    (f"log {LOG}\nlog {LOG} u\n", 2, "already"),
    (f"log {LOG}\nlog {vkey('other', 1, notes.ED25519)}\n", 2, "already"),
    (f"witness a {LOG}\n", 1, "kind 0x01"),
    (f"witness none {W[0]}\n", 1, "taken"),
    (HEAD + f"witness a {W[2]}\n", 4, "defined already"),
    (HEAD + f"witness c {W[0]}\n", 4, "already"),
    (HEAD + f"witness c {vkey('renamed.example', 11)}\n", 4, "already"),
    (HEAD + "group g any\n", 4, "expected group"),
    (HEAD + "group a any b\n", 4, "defined already"),
    (HEAD + "group none any b\n", 4, "taken"),
    (HEAD + "group g any none\n", 4, "not defined"),
    (HEAD + "group g any g\n", 4, "not defined"),
    (HEAD + "group g any a a\n", 4, "a member already"),
    (HEAD + "group g any a\ngroup h any a b\n", 5, "a member already"),
    (HEAD + "group g 0 a b\n", 4, "1 to 2"),
    (HEAD + "group g 3 a b\n", 4, "1 to 2"),
    (HEAD + "group g 01 a b\n", 4, "1 to 2"),
    (HEAD + "group g ٢ a b\n", 4, "1 to 2"),
    (HEAD + "group g some a b\n", 4, "1 to 2"),
    (HEAD + f"#report {W[0]}\n", 4, "kind 0x04"),
    (HEAD + "#report\n", 4, "expected #report"),
    (HEAD + f"#report {REPORT}\n#report {REPORT}\n", 5, "already"),
    (HEAD + f"#valid {ID} 5 4\n", 4, "below"),
    (HEAD + f"#valid {ID} - 4\n", 4, "decimal"),
    (HEAD + f"#valid {ID} 1 04\n", 4, "decimal"),
    (HEAD + f"#valid {ID} 1 -\n#valid {ID} 1 -\n", 5, "already"),
    (HEAD + f"#valid {ORIGIN}+00000000 1 -\nquorum none\n", 4, "no key"),
    (HEAD + "# " + "x" * 1_000_000 + "\nquorum none\n", 1, "bytes"),
]


@pytest.mark.parametrize(("text", "line", "reason"), REFUSED)
def test_a_policy_that_is_not_clear_is_refused_with_its_line(text, line, reason):
    with pytest.raises(PolicyInvalid, match=reason) as refused:
        parse(text)
    assert refused.value.line == line
    assert f"line {line}:" in str(refused.value) or "bytes" in reason


def test_32_of_each_are_taken():
    logs = [f"log {vkey(f'l{n}.example', n, notes.ED25519)}\n" for n in range(32)]
    witnesses = [f"witness w{n} {vkey(f'w{n}.example', n)}\n" for n in range(32)]
    groups = [f"group g{n} any w{n}{'' if n == 0 else f' g{n - 1}'}\n" for n in range(32)]
    assert parse("".join([*logs, *witnesses, *groups, "quorum g31\n"])).holds(["w0"])


WORD = st.text("abcXYZ09-_.é文\udcff", min_size=1, max_size=6).filter(lambda word: word != "none")


@st.composite
def policies(draw):
    """Make a policy of a few logs, witnesses and groups that uses each name at most once as a member."""
    seeds = draw(st.lists(st.integers(0, 200), unique=True, max_size=8))
    kind = st.sampled_from([ED25519_COSIGNATURE, ML_DSA_44])
    names = draw(st.lists(WORD, unique=True, min_size=len(seeds) + 4, max_size=len(seeds) + 4))
    url = st.none() | WORD
    logs = tuple(
        Log(vkey("l.example", seed, notes.ED25519), draw(url))
        for seed in draw(st.sets(st.integers(0, 200), max_size=3))
    )
    witnesses = tuple(
        Witness(names[n], vkey("w", seed, draw(kind)), draw(url)) for n, seed in enumerate(seeds)
    )
    free, groups = list(names[: len(seeds)]), []
    for name in names[len(seeds) :]:
        if free:
            members = draw(st.lists(st.sampled_from(free), unique=True, min_size=1))
            free = [each for each in free if each not in members] + [name]
            groups.append(Group(name, draw(st.integers(1, len(members))), tuple(members)))
    defined = ["none", *names[: len(seeds)], *(group.name for group in groups)]
    sizes = st.integers(0, 10**18)
    ranges = tuple(
        Range("+".join(log.vkey.split("+")[:2]), 5, draw(st.none() | st.just(5) | sizes.map(lambda n: n + 5)))
        for log in logs
    )
    reports = (REPORT,) if draw(st.booleans()) else ()
    return Policy(logs, witnesses, tuple(groups), draw(st.sampled_from(defined)), reports, ranges)


@given(policies())
def test_a_policy_that_is_written_is_read_as_the_same(policy):
    assert Policy.parse(policy.render(heading="two\nlines")) == policy


@given(st.binary(max_size=200))
def test_no_octets_do_more_than_be_refused(data):
    try:
        Policy.parse(b"witness a " + W[0].encode() + b"\n" + data)
    except PolicyInvalid as error:
        assert error.line >= 1


# Checkpoints under a policy -------------------------------------------------------------------------------


@pytest.fixture
def log():
    return witnessing.Log()


def cosigned(note, *seeds, kind=ED25519_COSIGNATURE):
    text = notes.text_of(note)
    return notes.add_lines(
        note, [notes.cosign(text, key(f"w{n}.example", 10 + n, kind), timestamp=NOW) for n in seeds]
    )


def test_a_checkpoint_needs_a_log_key_and_the_quorum(log):
    policy = parse(HEAD + f"witness c {W[2]}\ngroup g 2 a b c\nquorum g\n")
    verified = policy.verify_checkpoint(cosigned(log.note(5), 1, 3))
    assert (verified.origin, verified.size, verified.root) == (ORIGIN, 5, log.root(5))
    assert verified.witnesses == ("a", "c")
    with pytest.raises(NoteInvalid, match=r"the quorum g is not met: .* b, c$"):
        policy.verify_checkpoint(cosigned(log.note(5), 1, 6))
    with pytest.raises(NoteInvalid, match="not signed by a key of the log"):
        policy.verify_checkpoint(cosigned(witnessing.Log(seed=2).note(5), 1, 2))
    with pytest.raises(NoteInvalid, match="names no log elsewhere"):
        policy.verify_checkpoint(cosigned(witnessing.Log(origin="elsewhere").note(5), 1, 2))
    with pytest.raises(NoteInvalid, match="not a checkpoint"):
        policy.verify_checkpoint(notes.sign("text\n", [log.key]))


def test_a_log_key_speaks_only_for_the_origin_that_it_names():
    other = witnessing.Log(origin="other.example/log", seed=7)
    log = witnessing.Log()
    policy = parse(f"log {log.vkey}\nlog {other.vkey}\nquorum none\n")
    crossed = notes.sign(log.text(5), [other.key])
    with pytest.raises(NoteInvalid):
        policy.verify_checkpoint(crossed)
    assert policy.verify_checkpoint(log.note(5)).size == 5


def test_a_key_signs_only_the_sizes_it_is_valid_for():
    old, new = witnessing.Log(), witnessing.Log(seed=2)
    short = ["+".join(each.vkey.split("+")[:2]) for each in (old, new)]
    policy = parse(
        f"log {old.vkey}\nlog {new.vkey}\n#valid {short[0]} 0 6\n#valid {short[1]} 5 -\nquorum none\n"
    )
    assert [policy.log_keys(origin=ORIGIN, size=size) for size in (4, 5, 7)] == [
        [old.vkey],
        [old.vkey, new.vkey],
        [new.vkey],
    ]
    for size, log, good in [(4, old, 1), (4, new, 0), (5, old, 1), (6, new, 1), (7, old, 0), (7, new, 1)]:
        if good:
            assert policy.verify_checkpoint(log.note(size)).size == size
        else:
            with pytest.raises(NoteInvalid, match=f"may not sign the size {size}"):
                policy.verify_checkpoint(log.note(size))
    both = notes.sign(old.text(7), [old.key, new.key])
    assert policy.verify_checkpoint(both).size == 7


def test_a_witness_key_counts_only_at_the_sizes_it_is_valid_for(log):
    policy = parse(HEAD + f"#valid {'+'.join(W[0].split('+')[:2])} 6 -\nquorum a\n")
    assert policy.verify_checkpoint(cosigned(log.note(6), 1)).witnesses == ("a",)
    with pytest.raises(NoteInvalid, match="no cosignature that counts by a"):
        policy.verify_checkpoint(cosigned(log.note(5), 1, 2))


# The house's own keys -------------------------------------------------------------------------------------

SEED = "ab" * 32


def test_a_seed_gives_a_log_key_an_ml_dsa_key_and_a_report_key():
    keys = Keys.read(SEED, origin=ORIGIN)
    assert keys.log == notes.new_key(ORIGIN, bytes.fromhex(SEED))
    assert Keys.read(keys.log, origin=ORIGIN) == keys
    assert [notes.read_vkey(each).kind for each in keys.ml_dsa_vkeys] == [ML_DSA_44]
    assert keys.log not in repr(keys) and keys.ml_dsas[0] not in repr(keys)
    policy = keys.policy()
    assert parse(policy.render(heading=keys.heading)) == policy
    note = notes.sign(log_text := witnessing.Log().text(5), [keys.log])
    with pytest.raises(NoteInvalid, match="own-ml-dsa is not met"):
        policy.verify_checkpoint(note)
    own = notes.cosign(log_text, keys.ml_dsas[0], timestamp=NOW)
    assert policy.verify_checkpoint(notes.add_lines(note, [own])).witnesses == ("own-ml-dsa",)


def test_while_one_key_takes_over_from_another_either_will_do():
    keys = Keys.read(f"{SEED}, {'cd' * 32}", origin=ORIGIN)
    assert len(keys.log_vkeys) == len(keys.ml_dsa_vkeys) == len(keys.report_vkeys) == 2
    text = witnessing.Log().text(5)
    for log, ml_dsa in [(0, 1), (1, 0)]:
        line = notes.cosign(text, keys.ml_dsas[ml_dsa], timestamp=NOW)
        keys.policy().verify_checkpoint(notes.add_lines(notes.sign(text, [keys.logs[log]]), [line]))
    assert parse(keys.policy().render()) == keys.policy()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ab",
        SEED + ",",
        f"{SEED},{SEED}",
        f"{SEED},{key('other', 1, notes.ED25519)}",
        key(ORIGIN, 1, ML_DSA_44),
    ],
)
def test_keys_that_cannot_sign_this_log_are_refused(given):
    with pytest.raises(KeyUnusable) as refused:
        Keys.read(given, origin=ORIGIN)
    assert SEED not in str(refused.value)
