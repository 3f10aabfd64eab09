"""Reading the log over HTTP. It holds commitments only, so anybody may read all of it."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import queries
from ledger.api.serializers import (
    EntrySerializer,
    IntentSerializer,
    ProofSerializer,
    ProvedEntrySerializer,
)

LARGEST = 2**63 - 1


class Public(APIView):
    """A view without sign-in."""

    permission_classes = (AllowAny,)
    authentication_classes = ()


class PageQuery(serializers.Serializer):
    """Which entries a list shows."""

    after = serializers.IntegerField(required=False, min_value=-1, max_value=LARGEST)
    limit = serializers.IntegerField(default=50, min_value=1, max_value=queries.LONGEST_PAGE)


class SizeQuery(serializers.Serializer):
    """Under which checkpoint a proof is wanted."""

    size = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST)


class EntryList(Public):
    """The entries of the log, in order."""

    @extend_schema(parameters=[PageQuery], responses=EntrySerializer(many=True))
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


class LatestCheckpoint(Public):
    """The newest checkpoint, as signed."""

    @extend_schema(
        parameters=[OpenApiParameter("size", OpenApiTypes.INT)],
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """Read the signed note of the newest checkpoint, or that of `size`."""
        signed = queries.checkpoint_at(checked(SizeQuery, request).get("size"))
        return HttpResponse(signed.note, content_type="text/plain; charset=utf-8")


def checked(query: type[serializers.Serializer], request: Request) -> dict:
    """Return the query string as the serializer reads it; refuses what it does not admit."""
    read = query(data=request.query_params)
    read.is_valid(raise_exception=True)
    return read.validated_data
