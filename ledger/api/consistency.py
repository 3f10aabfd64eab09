"""That the log of one published checkpoint is a prefix of that of another: RFC 6962, section 2.1.2."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import queries
from ledger.api.checkpoints import CheckpointSerializer
from ledger.api.public import LARGEST, HexField, Public, checked


class ConsistencyQuery(serializers.Serializer):
    """Which two checkpoints are compared."""

    old = serializers.IntegerField(min_value=1, max_value=LARGEST)
    new = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST, help_text="The newest where it is left out."
    )


class ConsistencySerializer(serializers.Serializer):
    """Two checkpoints, the proof, and what recomputing it gave."""

    old = CheckpointSerializer()
    new = CheckpointSerializer()
    proof = serializers.ListField(child=HexField())
    holds = serializers.BooleanField()


class Consistency(Public):
    """The consistency proof between two published checkpoints."""

    @extend_schema(parameters=[ConsistencyQuery], responses=ConsistencySerializer)
    def get(self, request: Request) -> Response:
        """Prove that nothing was rewritten between two published checkpoints."""
        asked = checked(ConsistencyQuery, request)
        new = queries.checkpoint_at(asked.get("new")).size
        return Response(ConsistencySerializer(queries.comparison(asked["old"], new)).data)
