"""The log's addresses: `urlpatterns` below `/api/v1/ledger/`, and its files below `/ledger/log/`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from ledger.api import checkpoints, consistency, entries, files, intents


class NumberConverter(StringConverter):
    """A number in its one spelling that a bigint can hold."""

    regex = "0|[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)


register_converter(NumberConverter, "number")

urlpatterns = [
    path("entries/", entries.EntryList.as_view(), name="ledger-entry-list"),
    path("entries/<number:number>/", entries.EntryDetail.as_view(), name="ledger-entry-detail"),
    path("entries/<number:number>/proof/", entries.EntryProof.as_view(), name="ledger-entry-proof"),
    path("intents/<number:intent_id>/", intents.IntentDetail.as_view(), name="ledger-intent-detail"),
    path("checkpoint", checkpoints.LatestCheckpoint.as_view(), name="ledger-checkpoint"),
    path("consistency/", consistency.Consistency.as_view(), name="ledger-consistency"),
]

files_of_the_log = [
    path("checkpoint", files.latest, name="log-checkpoint"),
    path("checkpoints/<number:size>", files.published, name="log-published"),
    path("proof/<number:size>/<number:index>", files.proof, name="log-proof"),
    path("tile/<path:name>", files.tile, name="log-tile"),
]
