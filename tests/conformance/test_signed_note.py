"""C2SP signed-note and tlog-checkpoint: the keys and notes of golang.org/x/mod, sum.golang.org and the texts."""

from base64 import b64decode, b64encode

import pytest

from ledger.domain import checkpoint, notes
from ledger.errors import NoteInvalid

PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
BOTH = TEXT + "\n" + PETER_LINE + ENOCH_LINE


def names(note):
    return [each.name for each in note.signatures]


def test_signing_gives_the_published_note():
    assert notes.sign(TEXT, [PETER_PRIVATE]) == TEXT + "\n" + PETER_LINE
    assert notes.verifier_key(PETER_PRIVATE) == PETER


def test_signatures_of_unknown_keys_are_left_aside():
    assert names(notes.verify(BOTH, [PETER])) == ["PeterNeumann"]
    assert names(notes.verify(BOTH, [PETER, ENOCH])) == ["PeterNeumann", "EnochRoot"]
    assert notes.verify(BOTH, [ENOCH]).text == TEXT


def test_a_note_without_a_known_signature_is_invalid():
    with pytest.raises(NoteInvalid, match="no signature by a known key"):
        notes.verify(BOTH, [])


@pytest.mark.parametrize(
    ("name", "key_id"),
    [("PeterNeumann", "c74f20a4"), ("PeterNeuman", "c74f20a3"), ("CarmenSandiego", "c74f20a3")],
)
def test_a_signature_is_that_of_a_key_only_by_its_name_and_its_id_together(name, key_id):
    made_by_peter = b64decode(PETER_LINE.split()[2])
    line = f"— {name} {b64encode(bytes.fromhex(key_id) + made_by_peter[4:]).decode()}\n"
    with pytest.raises(NoteInvalid, match="no signature by a known key"):
        notes.verify(TEXT + "\n" + line, [PETER])
    assert names(notes.verify(TEXT + "\n" + line + PETER_LINE, [PETER])) == ["PeterNeumann"]


def test_a_key_that_is_given_twice_is_ambiguous_where_it_is_used():
    with pytest.raises(NoteInvalid, match="ambiguous key EnochRoot"):
        notes.verify(TEXT + "\n" + ENOCH_LINE, [ENOCH, PETER, ENOCH])
    assert notes.verify(TEXT + "\n" + PETER_LINE, [ENOCH, PETER, ENOCH])


def test_a_false_signature_by_a_known_key_spoils_the_note():
    mangled = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]
    with pytest.raises(NoteInvalid, match="invalid signature for key PeterNeumann"):
        notes.verify(TEXT + "\n" + mangled + ENOCH_LINE, [PETER, ENOCH])


def test_a_signature_that_is_repeated_counts_once_and_a_false_one_by_an_unknown_key_not_at_all():
    mangled = ENOCH_LINE[:60] + "ABCD" + ENOCH_LINE[60:]
    repeated = TEXT + "\n" + PETER_LINE * 2 + ENOCH_LINE * 2 + mangled
    assert names(notes.verify(repeated, [PETER])) == ["PeterNeumann"]
    assert names(notes.verify(repeated, [PETER, ENOCH])) == ["PeterNeumann", "EnochRoot"]


def test_neither_the_text_nor_any_byte_of_the_signature_may_differ():
    signature = b64decode(PETER_LINE.split()[2])
    for at in range(4, len(signature)):
        other = bytearray(signature)
        other[at] = (other[at] + 1) % 256
        line = f"— PeterNeumann {b64encode(bytes(other)).decode()}\n"
        with pytest.raises(NoteInvalid, match="invalid signature for key PeterNeumann"):
            notes.verify(TEXT + "\n" + line, [PETER])
    with pytest.raises(NoteInvalid, match="invalid signature for key PeterNeumann"):
        notes.verify("J" + TEXT[1:] + "\n" + PETER_LINE, [PETER])


def test_a_signature_has_one_spelling():
    key_id, r, s = (part := b64decode(PETER_LINE.split()[2]))[:4], part[4:36], part[36:]
    order = 2**252 + 27742317777372353535851937790883648493  # RFC 8032, section 5.1.7: S is below it
    malleable = r + (int.from_bytes(s, "little") + order).to_bytes(32, "little")
    for wrong in (malleable, r + s[:-1], r + s + b"\0"):
        line = f"— PeterNeumann {b64encode(key_id + wrong).decode()}\n"
        with pytest.raises(NoteInvalid, match="invalid signature for key PeterNeumann"):
            notes.verify(TEXT + "\n" + line, [PETER])


@pytest.mark.parametrize("count", [16, 100])
def test_a_note_may_bear_many_signatures(count):
    assert names(notes.verify(TEXT + "\n" + ENOCH_LINE * (count - 1) + PETER_LINE, [PETER]))


@pytest.mark.parametrize("keys", [[PETER], []])
def test_a_note_with_more_signatures_than_a_hundred_is_malformed_whoever_made_them(keys):
    with pytest.raises(NoteInvalid, match="more than 100 signatures"):
        notes.verify(TEXT + "\n" + PETER_LINE * 101, keys)


@pytest.mark.parametrize("letter", ["x", "文"])
def test_a_note_of_more_than_a_megabyte_is_malformed(letter):
    fitting = letter * ((999_000) // len(letter.encode())) + "\n"
    assert notes.text_of(fitting + "\n" + PETER_LINE) == fitting
    with pytest.raises(NoteInvalid, match="a megabyte"):
        notes.verify(letter * 400 + fitting + letter * 600 + "\n\n" + PETER_LINE, [PETER])


@pytest.mark.parametrize("code", [code for code in range(32) if chr(code) != "\n"])
def test_no_control_character_stands_in_a_note(code):
    with pytest.raises(NoteInvalid, match="control characters"):
        notes.verify(TEXT[:9] + chr(code) + TEXT[9:] + "\n" + PETER_LINE, [PETER])


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER_LINE[:-1],
        "\x01" + TEXT + "\n" + PETER_LINE,
        "\udcff" + TEXT + "\n" + PETER_LINE,
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad+Name"),
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad\u2003Name"),
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann ", ""),
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann ", " "),
        TEXT + "\n" + PETER_LINE.replace("nAM=", "nAM"),
        TEXT + "\n" + PETER_LINE + "\n",
        TEXT + "\n" + PETER_LINE + "\n" + "\n",
        TEXT + "\n" + PETER_LINE + "— EnochRoot rwz+eA==\n",
        TEXT + PETER_LINE,
        (TEXT + "\n" + PETER_LINE).replace("\n", "\r\n"),
        (TEXT + "\n" + PETER_LINE).encode(),
        TEXT + "\n" + PETER_LINE + "Unexpected line.\n",
        TEXT + "\n" + PETER_LINE * 101,
        TEXT + "\n" + PETER_LINE.replace("— ", "- "),
        "",
        None,
        7,
    ],
)
def test_a_malformed_note_is_invalid(note):
    with pytest.raises(NoteInvalid):
        notes.verify(note, [PETER])


def test_no_part_of_a_key_and_no_key_with_one_byte_changed_is_a_key():
    for key, use in [(PETER, verify_with), (PETER_PRIVATE, sign_with)]:
        parts = {key[i:j] for i in range(len(key)) for j in range(i + 1, len(key) + 1)} - {key}
        changed = {key[:i] + chr(ord(key[i]) + 1) + key[i + 1 :] for i in range(len(key))}
        for wrong in parts | changed:
            with pytest.raises(NoteInvalid):
                use(wrong)


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # another algorithm
        PETER + "\n",
        PETER + "=",
        PETER.replace("c74f20a3", "c74f20a"),
        PETER.replace("c74f20a3", "0xc74f20"),
        PETER.replace("PeterNeumann", "Peter Neumann"),
    ],
)
def test_a_key_of_another_kind_is_refused(key):
    with pytest.raises(NoteInvalid):
        verify_with(key)


def test_a_key_made_of_a_seed_signs_what_its_public_key_verifies():
    private = notes.new_key("EnochRoot", bytes(range(32)))
    public = notes.verifier_key(private)
    assert private.split("+")[2:4] == public.split("+")[:2]
    assert notes.verify(notes.sign("hi\n", [private]), [public]).text == "hi\n"
    for name in ("", "a b", "a+b", "a\u00a0b"):
        with pytest.raises(NoteInvalid):
            notes.new_key(name, bytes(32))


@pytest.mark.parametrize("text", ["abc", "", "tab\t\n", "\ud800\n"])
def test_a_text_that_no_note_can_hold_is_not_signed(text):
    with pytest.raises(NoteInvalid):
        notes.sign(text, [PETER_PRIVATE])


def test_a_text_may_hold_empty_lines():
    note = notes.sign("a\n\nb\n", [PETER_PRIVATE])
    assert notes.verify(note, [PETER]).text == "a\n\nb\n"


def verify_with(key):
    return notes.verify(BOTH, [key])


def sign_with(key):
    return notes.sign(TEXT, [key])


# Notes of logs that are kept by others -------------------------------------------------------------------

SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
TREES = [  # size, root and signature, as sum.golang.org has signed them over the years
    (
        3_935_567,
        "SapHtgdNCeF00Cx8kqztePV24kgzNg++Xovae42HAMw=",
        "Az3grsm7Wm4CVNR1RHq9BFnu9jzcRlU2uw7lr0gfUWgO6+rqPNjT+fUTl9gH0NRTgdwW9nItuQSMbhSaLCsk8YeYSAs=",
    ),
    (
        6_476_701,
        "mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=",
        "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=",
    ),
    (
        19_777_102,
        "+g50vJoV4VVGa6aiQF3LYGUZHEP4pvGkW38vlR7WKtU=",
        "Az3griMTLHyRzj7jMuyEt85a2JnegVME6Lx3xLEBdzTd3FMDiD5y3bHV24rcl0yijOtWxV0zyygwTdo/rnaennuoqgU=",
    ),
    (
        65_209_736,
        "5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=",
        "Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3dxXABkGZZKdsQ8=",
    ),
]


@pytest.mark.parametrize(("size", "root", "signature"), TREES)
def test_a_tree_that_the_database_of_go_modules_has_signed_verifies(size, root, signature):
    text = f"go.sum database tree\n{size}\n{root}\n"
    note = notes.verify(f"{text}\n— sum.golang.org {signature}\n", [SUMDB])
    assert checkpoint.parse(note.text, origin="go.sum database tree") == (size, b64decode(root))
    with pytest.raises(NoteInvalid, match="invalid signature"):
        notes.verify(f"{text.replace('tree', 'wood')}\n— sum.golang.org {signature}\n", [SUMDB])


def test_the_example_of_tlog_cosignature_reads_as_a_checkpoint():
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    note = (
        text + "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/"
        "zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    assert notes.text_of(note) == text
    assert checkpoint.parse(text, origin="example.com/behind-the-sofa") == (
        20_852_163,
        bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"),
    )


def test_the_example_of_signed_note_reads_and_its_text_may_hold_an_empty_line():
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    line = (
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99"
        "ihAQwaqP3ZekRwNtIc=\n"
    )
    assert notes.text_of(text + "\n" + line) == text


@pytest.mark.parametrize(
    "text",
    [  # golang.org/x/mod/sumdb/tlog, note_test.go
        "not-go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n",
        "go.sum database tree\n0xabcdef\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n",
        "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBTOOBIG=\n",
    ],
)
def test_a_malformed_tree_is_no_checkpoint(text):
    good = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    assert checkpoint.parse(good, origin="go.sum database tree")[0] == 123_456_789_012
    with pytest.raises(NoteInvalid):
        checkpoint.parse(text, origin="go.sum database tree")
