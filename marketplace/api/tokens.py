"""Tokens: sign a program in."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import clock
from marketplace.actions import accounts
from marketplace.api.access import IDEMPOTENCY_KEY, idempotent


class SignInSerializer(serializers.Serializer):
    """Who wants a token."""

    email = serializers.EmailField()
    password = serializers.CharField(trim_whitespace=False, max_length=200, write_only=True)
    label = serializers.CharField(max_length=100, default="API")


class TokenSerializer(serializers.Serializer):
    """A token, shown this once."""

    token = serializers.CharField()


class Tokens(APIView):
    """Get a token for an e-mail address and password."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(
        operation_id="tokens_create",
        request=SignInSerializer,
        responses={201: TokenSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a token. The answer is not kept: asked again with the same key, the same token is derived anew."""
        asked = SignInSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        user = accounts.sign_in(
            email=said["email"], password=said["password"], address=request.META.get("REMOTE_ADDR", "")
        )
        token = accounts.make_token(
            user=user, label=said["label"], request_key=request.idempotency_key, now=clock.now()
        )
        response = Response({"token": token}, status=201, headers={"Cache-Control": "no-store"})
        response.is_secret = True
        return response
