"""What was handed in, and how far it has come: a caller asks here until it has its number."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import queries
from ledger.api.public import HexField, Public
from ledger.queries import EntryState


class IntentSerializer(serializers.Serializer):
    """Something that was handed in, and how far it has come."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=[state.value for state in EntryState])
    number = serializers.IntegerField(allow_null=True, help_text="Null while it is pending.")
    leaf_hash = HexField()


class IntentDetail(Public):
    """Something that was handed in; it is pending until it has a number."""

    @extend_schema(responses=IntentSerializer)
    def get(self, request: Request, intent_id: int) -> Response:
        """Ask how far something has come."""
        intent = queries.intent(intent_id)
        return Response(
            IntentSerializer(
                {
                    "id": intent.pk,
                    "state": queries.entry_state(intent.pk),
                    "number": queries.number_of(intent.pk),
                    "leaf_hash": intent.leaf_hash,
                }
            ).data
        )
