"""Grants: read one, and get signed links to its files. The grants to everybody need no token."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import clock
from licensing import queries as licensing
from licensing.domain.terms import sentences
from marketplace.actions import delivery
from marketplace.api.listings import ClauseSerializer, FileSerializer, as_file
from marketplace.queries import library
from marketplace.queries.library import Held


class GrantSerializer(serializers.Serializer):
    """What a licensee got, and its number on the ledger."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    basis = serializers.ChoiceField(choices=["paid", "free", "standing"])
    purpose = serializers.CharField(allow_blank=True)
    listing = serializers.UUIDField(allow_null=True)
    asset = serializers.CharField()
    version = serializers.IntegerField()
    offer = serializers.UUIDField()
    licensor = serializers.DictField(child=serializers.CharField())
    institution = serializers.CharField(allow_blank=True)
    institution_kind = serializers.CharField(allow_blank=True)
    erased = serializers.ListField(
        child=serializers.CharField(), help_text="What the licensee said and had erased since."
    )
    terms = ClauseSerializer(many=True)
    terms_sha256 = serializers.CharField()
    issued_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    entry = serializers.IntegerField(allow_null=True, help_text="Null for the second until it is numbered.")


class LinkedFileSerializer(FileSerializer):
    """A file and where to fetch it until when."""

    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class GrantFilesSerializer(serializers.Serializer):
    """The files that a grant opens."""

    files = LinkedFileSerializer(many=True)


class GrantDetail(APIView):
    """One grant."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=GrantSerializer, operation_id="grants_read")
    def get(self, request: Request, grant_id: UUID) -> Response:
        """Read a grant of a party that you act for, or one to everybody."""
        return Response(as_grant(library.grant(request.user, grant_id)))


class GrantFiles(APIView):
    """The files of a grant."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=GrantFilesSerializer, operation_id="grants_files")
    def get(self, request: Request, grant_id: UUID) -> Response:
        """Get fresh links to the files."""
        held = library.grant(request.user, grant_id)
        found = []
        for file, token, expires_at in delivery.links_of(grant_id=held.grant.pk, now=clock.now()):
            url = request.build_absolute_uri(reverse("file-download", args=[token, file.name]))
            found.append({**as_file(file), "url": url, "expires_at": expires_at})
        return Response({"files": found}, headers={"Cache-Control": "no-store"})


def as_grant(held: Held) -> dict[str, Any]:
    """Return a grant with its terms in the reader's language."""
    grant, terms = held.grant, licensing.terms_of(held.grant)
    words = licensing.words_of(grant)
    return {
        "id": str(grant.pk),
        "number": grant.number,
        "basis": grant.basis,
        "purpose": grant.purpose,
        "listing": held.listing and str(held.listing.pk),
        "asset": grant.offer.asset.ark_id,
        "version": grant.version.number,
        "offer": str(grant.offer_id),
        "licensor": grant.licensor.name,
        "institution": words.institution,
        "institution_kind": words.institution_kind,
        "erased": sorted(words.erased),
        "terms": [
            {"clause": each.clause, "kind": each.kind, "text": each.text}
            for each in sentences(terms, get_language() or "en")
        ],
        "terms_sha256": terms.sha256,
        "issued_at": grant.issued_at,
        "revoked_at": licensing.revoked_at(grant),
        "entry": held.entry,
    }
