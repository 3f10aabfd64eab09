"""C2SP signed-note: the keys and notes that golang.org/x/mod/sumdb/note and the specification publish."""

import pytest

from ledger.domain import notes
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


def test_a_key_that_is_given_twice_is_ambiguous_where_it_is_used():
    with pytest.raises(NoteInvalid, match="ambiguous key EnochRoot"):
        notes.verify(TEXT + "\n" + ENOCH_LINE, [ENOCH, PETER, ENOCH])
    assert notes.verify(TEXT + "\n" + PETER_LINE, [ENOCH, PETER, ENOCH])


def test_a_false_signature_by_a_known_key_spoils_the_note():
    mangled = PETER_LINE[:60] + "ABCD" + PETER_LINE[60:]
    with pytest.raises(NoteInvalid, match="invalid signature for key PeterNeumann"):
        notes.verify(TEXT + "\n" + mangled + ENOCH_LINE, [PETER, ENOCH])


def test_a_signature_that_is_repeated_counts_once():
    repeated = TEXT + "\n" + PETER_LINE * 2 + ENOCH_LINE
    assert names(notes.verify(repeated, [PETER])) == ["PeterNeumann"]


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER_LINE[:-1],
        "\x01" + TEXT + "\n" + PETER_LINE,
        "\udcff" + TEXT + "\n" + PETER_LINE,
        TEXT + "\n" + PETER_LINE.replace("PeterNeumann", "Bad Name"),
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
    ],
)
def test_a_key_of_another_kind_is_refused(key):
    with pytest.raises(NoteInvalid):
        verify_with(key)


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
