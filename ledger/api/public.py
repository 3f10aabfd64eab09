"""What the resources of the log share. It holds commitments only, so anybody may read all of it."""

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

LARGEST = 2**63 - 1


class Public(APIView):
    """A view without sign-in."""

    permission_classes = (AllowAny,)
    authentication_classes = ()


class HexField(serializers.CharField):
    """A hash as lower-case hexadecimal."""

    def to_representation(self, value) -> str:
        return bytes(value).hex()


class SizeQuery(serializers.Serializer):
    """Under which checkpoint a proof is wanted."""

    size = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST)


def checked(query: type[serializers.Serializer], request: Request) -> dict:
    """Return the query string as the serializer reads it; refuses what it does not admit."""
    read = query(data=request.query_params)
    read.is_valid(raise_exception=True)
    return read.validated_data
