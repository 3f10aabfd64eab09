"""How the log looks in JSON. Hashes are lower-case hexadecimal, the bytes of an entry base64."""

from base64 import b64encode

from rest_framework import serializers

from ledger.domain import proofs
from ledger.queries import EntryState


class HexField(serializers.CharField):
    """A hash as lower-case hexadecimal."""

    def to_representation(self, value) -> str:
        return bytes(value).hex()


class CheckpointSerializer(serializers.Serializer):
    """A signed size and root."""

    size = serializers.IntegerField()
    root = HexField()
    note = serializers.CharField()
    signed_at = serializers.DateTimeField()


class EntrySerializer(serializers.Serializer):
    """One entry: its bytes, what they say, and its place in the chain."""

    number = serializers.IntegerField()
    canonical = serializers.SerializerMethodField(help_text="The bytes that were logged, base64.")
    document = serializers.JSONField()
    leaf_hash = HexField()
    prev = HexField()
    chain_hash = HexField()
    sequenced_at = serializers.DateTimeField()

    def get_canonical(self, entry) -> str:
        return b64encode(entry.canonical).decode()


class ProofSerializer(serializers.Serializer):
    """That an entry stands under a checkpoint, in JSON and as C2SP tlog-proof text."""

    index = serializers.IntegerField()
    size = serializers.IntegerField()
    leaf_hash = HexField()
    root = HexField()
    path = serializers.ListField(child=HexField())
    note = serializers.CharField()
    text = serializers.SerializerMethodField()

    def get_text(self, proof) -> str:
        return proofs.text(index=proof.index, path=proof.path, note=proof.note)


class ProvedEntrySerializer(EntrySerializer):
    """An entry with its newest proof; `state` says why there is none yet."""

    state = serializers.ChoiceField(choices=[state.value for state in EntryState])
    checkpoint = CheckpointSerializer(allow_null=True)
    proof = ProofSerializer(allow_null=True)


class IntentSerializer(serializers.Serializer):
    """Something that was handed in, and how far it has come."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[state.value for state in EntryState])
    number = serializers.IntegerField(allow_null=True, help_text="Null while it is pending.")
    leaf_hash = HexField()
