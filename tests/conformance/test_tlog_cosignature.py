"""C2SP tlog-cosignature: what the specification and the tests of transparency-dev/formats publish."""

from base64 import b64decode, b64encode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from ledger.domain import cosignatures, notes
from ledger.domain.cosignatures import ED25519_COSIGNATURE, ML_DSA_44
from ledger.errors import NoteInvalid

TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LINE = (
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
AT = 1679315147

# Key and signature made by filippo.io/torchwood, over the subtree 8 to 13 of example.com/log at time 0.
TORCHWOOD = (
    "witness.example/w1+7118e8f9+BhQzSuGTb/4Lcu4MREKut7NjCc8jQ0fjuNpEmJwKF9HV5lt3yF7H5jy+LcLOxjh/n4Gud7NOdRP3KpCH055x"
    "6Ntr4n6pZlJ+kmvZTJMgs5ygaJVf6q9zdhykYIPQz4fp6qm0fDXlVBqLVti/3zS0OiY5Kqbi0m55WZ9pnUnsiZT6cckK9FoWfXb1UHTsTgz+Uk+k"
    "Qr4JHdJ/c5t9V6C0WE8JZMiVT0ljBbfP6VACzuEJmc+zbF8Cbd8Mc31PkTR3YWFok3m4YagXfDlzegsE9jg0qWyTWDDkg+rcrcyCMpPam8LsWxQZ"
    "XZ2O3w9aDbwKB70URNreL/B6jNl95TXJjtEwmspLPxZwwPI8dE7lJbe9N2X0jQQbpcRvm46iLbZO+LdjblTMHfKgbCqgWej/n3QexrovbetYvrNR"
    "2qa7BMJk06PDDy9G8EvtNO6xhVp0DG8z4VkIx+Og9eqk3USAg4bKmN1ifuEeMcnlxvvPwnXjMp6kmmhDEsu1Qu4SgEFOG2PcUKdoaXlIDNADmJQH"
    "qeiA+JYhjvyTHDM609qpEkHsRYLbxGidKZtaZptOLEL7sLxIzVQMv07xLw2q9qRFxx3yM8JbhJGg5rP28Xhl+3KcGNXy6Ydxuv3MXYCohjwSqAjO"
    "doxs/FzV10HokFOY60vDQLtMUhby7Ob5VviG6+K5tu6hZogYfme3bzZDLO7VMyHMLKKTjfwJS9p1cagSsbqg5MJucfCfXJAw2vWb8n6eUA6qroBL"
    "gY9wjkBg06JAoBv85B7caOBjTitplbXk3pfQAzEE9yKEfSDjEfeVOSrBHK3zJQzw0q8RHSqYs+J7AnFgHxZ5IP5TUWkI/jgg3mdxpbaJ/YJ56uNC"
    "gFopQZihOCRVc/RFT53Zb1DXIRgqoP9VTIV3l03VPB2NrH49bEAzsCbNiL4NwLchYxoBZkG4Qp/GpTrjCDoDGtR36JipKbmMforXsz5Oh9Yul8s9"
    "p1apJXeSCuGsu5OgRBMXjvUoY9p/GFXHEPd6SPEAtDJfBwC5aWDgl4YC5cxKVzs/+xOvzyXmUg7pxtcJ4vIlWmBrmLb4PGVmPurJwx6BcOp7JRcy"
    "HCpycAfGMQ7xsBwafuiVCBQHGJhuDKETJa3MAa4H1uTB7GCiKuT8OohZ2LE/395+sftoy/yrX0H6HdCp+QEQ9ZOx0hbVLBOoAY6qVL1bgEBy/YrH"
    "gkCxh2lEWdw+9zb6yLWZI6ONX4mBcj3a5dDYfkvm5gAU4MXGAEWnSNeN9+MkylMQjUM5G2Cn7CTrA7IZ23EZ0bGrRMC7PERKbSj2pITgWqxJWH5l"
    "2IyK16cviUaXwGaZg8T8t2p77HtccGUodm6rWS0zBhzEyFajBzSi36b9aa3uDeFjsoEonNUevKg/67jcq5Ua0NWqJ80c5q7glj4wWOMJiDHAFh56"
    "UzTPGh1zvndQI4ZxuGHRRgOrTiJ4w3llb9EbsEcTlvFOZzjXrZYfMKTdapHV+5Ykok0+avKNnaOPq9pvtvNDx524IGtQCH9i4RjfefsPsxnloXtq"
    "YvoV6O8dCiQHn4jBOECYdqA2ZjYVQ/oPNBt5n5TfNJgLBFokcAKVyrTkWrDXi1OHmw6vEtQJLSv3oqchEYIGXWaEi5/OCtruWfALpEl0rifAMgVh"
    "hJp2gL+GZU5c3EGOEwOoQQMKDRdYayEWovpu1KIeOMXaJcDle6hCZEseFxXFDg40MeCdXFyv+Ib55h5uJJDxXdiRzQxdKX+deoY="
)
TORCHWOOD_SIGNATURE = (
    "cRjo+QAAAAAAAAAA8gV4+ck4966yvL0QsyT+IEjKhqH98AWxUE3d3MHuDuK2L25nfF1KQfE31+q1YTFb0dCmtByhAlPikQdbbqoJXgV330W+j9DU"
    "SaRmN2XezVFtP8UWkpMgO5eTpqlvRYjmAHfnYnye8w1JY+lVHADlq1VXTdsDQ69RA+pPW9bEJYAJ4jxl89EUjXex2DwRA8fgdYYKLIin51BX4RVb"
    "AhszM2Vz47bvK+eSzwEQwxwvDBSDFKSZL6/Al0Z/0bLdAlBImuI7+uNfcJNr2Zk4fKMtUqppN9hWAnKDMdn3+alm62ILDOfq8IwHEpmCuVAcTKJ8"
    "aqymK0X8qewoJ84XXEPttqfZ0B2Ig9bhP2sc2la7MFhb1pyXoK9KoWWL9KQmBBleAKmEHt/f5HUrlAReuo5sh8jOunr+QddFL85BCy6tAqCDjexQ"
    "RwgywKRKVU4Nhe00tAeW6nQICcFwg1cPtr0VkBfMDkk/E01Own93iiCtVTMcYTG6ocPse+lZ8cDQaKVzr/9UJiZt2PYS1ss0RoorLMYo3krLoc+y"
    "F3AyiKgIEnjUboed+G3HMDeAJqznRurFNT5sH9jNFWcmrOUIIvxFsKtt9wlsSscb7Mr8VMCJssL+KY+2JxDRHfELP8dFgphsj0sGGCI/gKiD7Xas"
    "zouH2T6jSoF+BnMuGzwmbZCj94aZtOsx0h5Y6E9A0IdBdnHc3eBtJqGxXDHPBwJEHxFKlrytSKIPQTvD86VVxHeQJ1Gar5EjvG0LOJCRk2Yu+t/Q"
    "T8WkGzEne/LlvhnJ6qEiwmXL+AIeFcFXv8xTLP/fRwAsRsYzeje6jkk0BuDWPpKi9yDzh74Ha6ZbDhvFumv8gfMQP/s/LJRebD8T3v7KCht7O5V8"
    "TBYSTwun45UJZBSW0J8a93LBbvOYdqmh6Ogin3zrXUty18UnPN5wV/ZfV05ayzOUpmduOj8yx/AK/bNHjVRZKm8P0kJi5Ddb5yEuBkwMiAGvRejc"
    "0x02WxfFbxCZiEdlixUnKX8NcKVLCbXIcSx/Re9UyvV0yY6ns0XuXW0yWiEo6BIygYxtqnR7J0+rIycBodnj37iBY59rHgP+mBwR9kgjrlhqoqLL"
    "wJ8DdgtieIO26b5QESAf/zqbV8ZFhDv4S5xNH+lgtwgkcW3C5StByVzfEWUNGIbCsX+P8FlIkEMScXQqo6z8U/XBw9GNIHaWeZyR/JuxZukCV5zL"
    "bLFRZ2elNA8XkA2AJhEUmapmEwflt8OxqBwtxsCkuuxkcq7anRE4FbClxI5sqVe3n7YCkjuZlkIs3I6UqEfEO3zSCu1mOX38Zmo2oFXTx1EFqxF5"
    "zuXmO3hQG5HZqlLLJhcrVKRQ2jDvXBHzKr3r6w5FuNHJZo0SenvocDwr8SjDw74hoNker9hCTtEJlEVAtmtqiXcrN11KTRhd4JmWefj4KJiLh6uN"
    "KqvVTfVaYcCVpIbaWxaQshJqZ89yQymXLPk5gdJiFisOACry41fr+GMSPxhumO6jf+9frNpR33xAD2qebJcPK2xQJ0VgEbNJxEok13lEr0/xD+t7"
    "1wcCkLnwCTWYv+J3viR/vAGmTQslFuZPMPisJzXv5j66ORBcJH0Ir/QK67F2AaDwKYA7Ty2Fxz72gD8FVfFkZcM+mQBYq9lv/nrgQNkVYnaFCpcI"
    "6zYVKS4NU7vyII1v+LAjKC9dhHTAp5bsqVoC2xtemlEp5eX62VX/akzN21HDp+lQTddNZoOd4RArWvqGVxwnMJkDA2pQnpjRCM5X+fYfy2KfBm16"
    "fTaeOYV47OkC8aXaI5+ye/rOtlLuERMbI09WgVga6EB85lhQQfWCDsEutM8yuIZwUcGFpWDIXjwTpOUyAlZMUFfM6BeqDrcqR833b+s6y3UktkMZ"
    "qPTJxeTK040+iuAWp0ltDXdDfIjhsJBkkSiz5aPOvJI1ItdvLR9zcCNLMy0JtsiE23MJ8CFahYnF7Zqr3nKxzYka+0XJUjl6afW6d09pdAuQYgXs"
    "z9H/Y4lYI5O/zY6zhNN5lTF5ajMUdGpC8DQIBmhBz3M4B1fj1ZZRTGypG3Mp5y0QRlKFDIQfvifNSGS+9oqewfSkEXhACc8E9/TcVM246Y+DAVSs"
    "EgDRfvxB7ukL6tWAF49DRCKX9wgLAUVAuj2XQfn1MJpHcStjbhSLIWr/yvqZ8vEtNC89IlitFPH04+QHPiperKhOncxWD3CgaoFbtNDaJqUa9g8D"
    "l8Sq3LoVDFeNrFaoTvEBAjANn3avoSTdzhBx+5h0GfGp+tfJf3XjA4MVINiXZ4my/v2EFg3RNWwmyFv74aVNEWVzHHmD1rYjPfAvFVlCL5PjSOK8"
    "5rpF1ZjU4T87MbChEYOhiVBI7tT6ybfhLIYi3dNUiGCVjD1AGcxpDYBrUwZ5w5pqK6m3S19k0i4aXu+elVS2u47TU8zfOdSrM1JqQvQ9MHBsA3tK"
    "2PswHTSyqL2qLYfy+WLezs8HETlGbDGSD8J2L3vlfwgQoUkgMRHhNmw67q666ZyE2rd/Sbwouhadv97C9dU1opu4sh7/NE0x7LJPo5HmsYEwjhxD"
    "phNHjpoq0r3qnQhwPutpLYb3WCWxgC6HdekjE5eLAaff/8Ri/UaNZzdlVROBsJ7wT40liyez5/mXrqfIguuBtPRUNSAnraJ0NUKmRmR0HbwlUg6p"
    "WXVYRSbGgNNVdM7H+Oy8numjVticQtFa8EJzIqcU+6zidJrozIB4bC+I/KcrvIUuOn8lPAMesfUCVV70wa9oIvevkQ6r5Vup6HsIqjIzrSJoBTOH"
    "dj6TTG8vurH5ok9gm5ziaQ0m1QcrwKOE5CjdXqQIvnY8zckZ2hdX8/aL3/1ieb/3QNN5o6/aQSOAaE2No7xH8U8b7zOH3QDl0/L6E9olNxz7X5uO"
    "SQ6RM69RqOUanMRAf6ZSSw1th9nHHIqDmFKjf8mfR2hMuYgbDdhxSVFL1/7rEjA6FY3RVLCZAGG7uwFjuK5DV6zIdxAZutRKOk66p5FyWR7LeCrP"
    "lew+TacBtByDNYuEuPilRz8cIN22uAcJ1FSjN+87+1N3tUGGiEX2EX0fo39w18eeEpKINiOB+07dNE9TwUkXwSR1TP8P1goLw7mUNhgWIeICBxgn"
    "LzE9c3Z+gIWGpsXR1toFDyMmJz9KgoaXtbnT2u4SExUXICMkOWFxcnuGl6Sns8L3AwYPFB0kKTxESGRqe3+LkpOsw9/i6/j6/wAAABIhNE0="
)
SUBTREE = {
    "name": "witness.example/w1",
    "timestamp": 0,
    "origin": "example.com/log",
    "start": 8,
    "end": 13,
    "root": b64decode("E7ERCtFloiK1fdb+B6/dLG0pM1nmIR0ETKBSauCjtVw="),
}


def test_the_example_of_the_specification_bears_its_time_and_signs_its_message():
    packed = b64decode(LINE)[4:]
    assert cosignatures.unpack(packed)[0] == AT
    assert cosignatures.message(
        kind=ED25519_COSIGNATURE, name="witness.example.com/w1", text=TEXT, timestamp=AT
    ) == (f"cosignature/v1\ntime {AT}\n{TEXT}".encode())


def test_published_keys_of_witnesses_are_keys():
    assert notes.read_vkey(REMORA).kind == ED25519_COSIGNATURE
    assert notes.read_vkey(TORCHWOOD).kind == ML_DSA_44


def test_a_published_ml_dsa_signature_holds_over_our_message():
    public = MLDSA44PublicKey.from_public_bytes(notes.read_vkey(TORCHWOOD).public)
    packed = b64decode(TORCHWOOD_SIGNATURE)
    assert packed[:4].hex() == notes.read_vkey(TORCHWOOD).key_id
    timestamp, signature = cosignatures.unpack(packed[4:])
    assert timestamp == 0
    public.verify(signature, cosignatures.subtree(**SUBTREE))
    with pytest.raises(InvalidSignature):
        public.verify(signature, cosignatures.subtree(**{**SUBTREE, "end": 14}))


@pytest.mark.parametrize("kind", [ED25519_COSIGNATURE, ML_DSA_44])
def test_a_cosignature_is_made_and_verified(kind):
    key, note = cosigned(kind)
    [found] = notes.verify(note, [notes.verifier_key(key)]).signatures
    assert (found.name, found.timestamp) == ("w.example", AT)
    assert note == TEXT + "\n" + found.line
    assert len(found.signature) == (64 if kind == ED25519_COSIGNATURE else 2420)


@pytest.mark.parametrize("kind", [ED25519_COSIGNATURE, ML_DSA_44])
def test_every_change_to_text_time_name_or_signature_is_noticed(kind):
    key, note = cosigned(kind)
    vkey = notes.verifier_key(key)
    head, _, line = note.rpartition(" ")
    packed = bytearray(b64decode(line))
    for changed in (note.replace("20852163", "20852164"), note.replace("behind", "beside")):
        with pytest.raises(NoteInvalid):
            notes.verify(changed, [vkey])
    for at in (0, 4, 11, 12, len(packed) - 1):
        with pytest.raises(NoteInvalid):
            notes.verify(respelled(head, packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]), [vkey])
    for short in (5, 11, 12, len(packed) - 1):
        with pytest.raises(NoteInvalid):
            notes.verify(respelled(head, packed[:short]), [vkey])
    with pytest.raises(NoteInvalid):
        notes.verify(respelled(head, packed + b"x"), [vkey])


def test_a_cosignature_of_the_largest_time_is_the_last():
    key, _ = cosigned(ED25519_COSIGNATURE)
    assert notes.cosign(TEXT, key, timestamp=2**63 - 1)
    with pytest.raises(NoteInvalid):
        notes.cosign(TEXT, key, timestamp=2**63)


@pytest.mark.parametrize("text", ["words\n", TEXT[:-1], TEXT + "\n", TEXT.replace("2", "02"), "a\n1\nAAAA\n"])
@pytest.mark.parametrize("kind", [ED25519_COSIGNATURE, ML_DSA_44])
def test_what_is_no_checkpoint_is_not_cosigned(kind, text):
    key, _ = cosigned(kind)
    with pytest.raises(NoteInvalid):
        notes.cosign(text, key, timestamp=AT)


def test_only_ed25519_cosigns_extension_lines():
    extended = TEXT + "more\n"
    ed25519, ml_dsa = cosigned(ED25519_COSIGNATURE)[0], cosigned(ML_DSA_44)[0]
    line = notes.cosign(extended, ed25519, timestamp=AT)
    assert notes.verify(extended + "\n" + line, [notes.verifier_key(ed25519)])
    with pytest.raises(NoteInvalid):
        notes.verify(extended.replace("more", "less") + "\n" + line, [notes.verifier_key(ed25519)])
    with pytest.raises(NoteInvalid):
        notes.cosign(extended, ml_dsa, timestamp=AT)
    made = cosigned(ML_DSA_44)[1].replace(TEXT, extended)
    with pytest.raises(NoteInvalid, match="extension lines"):
        notes.verify(made, [notes.verifier_key(ml_dsa)])


def test_keys_that_sign_notes_do_not_cosign_nor_the_other_way_round():
    signer = notes.new_key("w.example", bytes(32))
    with pytest.raises(NoteInvalid):
        notes.cosign(TEXT, signer, timestamp=AT)
    for kind in (ED25519_COSIGNATURE, ML_DSA_44):
        with pytest.raises(NoteInvalid):
            notes.sign(TEXT, [cosigned(kind)[0]])


def test_lines_are_added_once_and_under_what_stands_there():
    note = notes.sign(TEXT, [notes.new_key("log.example", bytes(32))])
    line = notes.cosign(TEXT, cosigned(ED25519_COSIGNATURE)[0], timestamp=AT)
    assert (
        notes.add_lines(note, [line, line])
        == notes.add_lines(notes.add_lines(note, [line]), [line])
        == note + line
    )
    with pytest.raises(NoteInvalid):
        notes.add_lines(note, ["not a line\n"])
    with pytest.raises(NoteInvalid):
        notes.add_lines(note, [line + line])


@pytest.mark.parametrize("long", ["name", "origin"])
def test_a_name_of_more_than_255_bytes_has_no_place_in_a_cosigned_message(long):
    with pytest.raises(NoteInvalid):
        cosignatures.subtree(**{**SUBTREE, long: "x" * 256})


def cosigned(kind):
    """Return a key of this kind and the example under its cosignature alone."""
    key = notes.new_key("w.example", bytes(range(32)), kind=kind)
    return key, TEXT + "\n" + notes.cosign(TEXT, key, timestamp=AT)


def respelled(head, packed):
    return f"{head} {b64encode(bytes(packed)).decode()}\n"
