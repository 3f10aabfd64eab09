"""The newest checkpoint, as signed: plain text, a C2SP signed note."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from ledger import queries
from ledger.api.public import HexField, Public, SizeQuery, checked


class CheckpointSerializer(serializers.Serializer):
    """A signed size and root."""

    size = serializers.IntegerField()
    root = HexField()
    note = serializers.CharField()
    signed_at = serializers.DateTimeField()


class PlainTextRenderer(BaseRenderer):
    """Lets a reader ask for the text by its media type; refusals still come as JSON to others."""

    media_type, format = "text/plain", "txt"

    def render(self, data, accepted_media_type=None, renderer_context=None) -> str:
        return str(data)


class LatestCheckpoint(Public):
    """The newest checkpoint, as signed."""

    renderer_classes = (JSONRenderer, PlainTextRenderer)

    @extend_schema(
        parameters=[SizeQuery],
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """Read the signed note of the newest checkpoint, or that of `size`."""
        signed = queries.checkpoint_at(checked(SizeQuery, request).get("size"))
        return HttpResponse(signed.note, content_type="text/plain; charset=utf-8")
