"""The entries of the log and their proofs. Hashes are lower-case hexadecimal, the bytes of an entry base64."""

from base64 import b64encode

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import queries
from ledger.api.checkpoints import CheckpointSerializer
from ledger.api.public import LARGEST, HexField, Public, SizeQuery, checked
from ledger.domain import proofs
from ledger.queries import EntryState


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


class EntryPageSerializer(serializers.Serializer):
    """A part of the log, and where the next part starts."""

    size = serializers.IntegerField(help_text="How many entries the log has.")
    next_after = serializers.IntegerField(allow_null=True)
    entries = EntrySerializer(many=True)


class PageQuery(serializers.Serializer):
    """Which entries a list shows."""

    after = serializers.IntegerField(required=False, min_value=-1, max_value=LARGEST)
    limit = serializers.IntegerField(default=50, min_value=1, max_value=queries.LONGEST_PAGE)


class EntryList(Public):
    """The entries of the log, in order."""

    @extend_schema(parameters=[PageQuery], responses=EntryPageSerializer, operation_id="ledger_entries_list")
    def get(self, request: Request) -> Response:
        """List the entries after a number."""
        page = checked(PageQuery, request)
        rows = queries.entries(after=page.get("after"), limit=page["limit"])
        following = rows[-1].number if len(rows) == page["limit"] else None
        return Response(
            {
                "size": queries.size(),
                "next_after": following,
                "entries": EntrySerializer(rows, many=True).data,
            }
        )


class EntryDetail(Public):
    """One entry with its proof under the newest checkpoint."""

    @extend_schema(responses=ProvedEntrySerializer)
    def get(self, request: Request, number: int) -> Response:
        """Read one entry."""
        return Response(ProvedEntrySerializer(queries.proved_entry(number)).data)


class EntryProof(Public):
    """The inclusion proof of one entry."""

    @extend_schema(parameters=[SizeQuery], responses=ProofSerializer)
    def get(self, request: Request, number: int) -> Response:
        """Prove one entry under the newest checkpoint, or that of `size`."""
        return Response(ProofSerializer(queries.proof(number, checked(SizeQuery, request).get("size"))).data)
