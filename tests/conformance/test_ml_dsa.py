"""FIPS 204, ML-DSA-44: keys from published seeds. The signatures of `cryptography` are checked by itself only."""

from hashlib import shake_256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

# NIST ACVP-Server, gen-val/json-files/ML-DSA-keyGen-FIPS204, cases 1 and 2: the seed, the first 32 bytes of
# the public key, and the hash of the whole public key that the published private key carries (tr, section 5.1).
KEYS = [
    (
        "4BE7A01A99A5E5BCFE3C06785D8E4EC664082227D86704E9E44862623A05C8B3",
        "ADB0B33464816091F2A95977C67F085FDC24B37854D4DB0A577AE9401E408148",
        "1FB72B86F9B4A75132567BE2C45E873D6B5D4A8B8C59F46F2DB81B0857144DB5"
        "416B071DF2A8F77D437D47C3BFE11F16FEEFE6C470F46762C881AD19C0884BB3",
    ),
    (
        "24044AC32483D4A1893192C3D946DFDBEEF869062B46A3BBF407E4A3ED39B6D3",
        "71E2755CB78C946AD085CB97543285F83C5998409F28C440E748C8171ED80B8C",
        "543D7242D64A586FE7B9A0394D85F1D1DF1D5E504352E05205B4FDA882F4C00F"
        "83F10D3C7A82245F24A0BF24B4A49BCCD505ECB491D6D695D4C189CB64065D36",
    ),
]


@pytest.mark.parametrize(("seed", "beginning", "tr"), KEYS)
def test_a_seed_gives_its_published_public_key(seed, beginning, tr):
    public = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(seed)).public_key().public_bytes_raw()
    assert len(public) == 1312
    assert public.startswith(bytes.fromhex(beginning))
    assert shake_256(public).digest(64) == bytes.fromhex(tr)


def test_a_signature_holds_for_its_message_and_for_no_other():
    key = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(KEYS[0][0]))
    signature = key.sign(b"message")
    assert len(signature) == 2420
    key.public_key().verify(signature, b"message")
    for wrong, message in [
        (signature, b"messagf"),
        (signature[:-1] + bytes([signature[-1] ^ 1]), b"message"),
    ]:
        with pytest.raises(InvalidSignature):
            key.public_key().verify(wrong, message)
