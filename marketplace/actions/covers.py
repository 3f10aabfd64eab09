"""Making a listing's cover out of its own files: a picture's rendition, first verses or rows, a wave, a shape."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from marketplace.actions.intake import Prepared
from marketplace.domain import excerpts, selection, shapes
from marketplace.domain.selection import Form
from marketplace.gateways import pictures, sound, storage

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
SOUNDS = (".ogg", ".wav", ".flac", ".mp3")


def make(*, form: str, files: Sequence[Prepared], is_free: bool) -> dict[str, Any]:
    """Return the data of a cover; an empty one where the files show nothing that can be drawn."""
    try:
        match form:
            case "image":
                return _image(files, pictures.WIDTHS if is_free else pictures.WIDTHS[:1])
            case "audio":
                return _audio(files)
            case "model3d":
                return _model(files)
            case "text":
                return {"kind": "text", "lines": excerpts.verses(_records(files))}
        return {"kind": "table", "rows": excerpts.rows(_records(files))}
    except (
        pictures.PictureUnreadable,
        sound.SoundUnreadable,
        shapes.ModelUnreadable,
        selection.SourceUnreadable,
    ):
        return {}  # a file may be delivered that this house cannot draw


def _records(files: Sequence[Prepared]) -> Any:
    def of(file: Prepared) -> Any:
        with file.open() as stream:
            plain = selection.opened(stream, file.name)
            yield from selection.records(plain, form=file.counted.form, encoding=file.encoding)

    return chain.from_iterable(of(file) for file in files if file.counted.form is not Form.WHOLE)


def _image(files: Sequence[Prepared], widths: Sequence[int]) -> dict[str, Any]:
    """Show pictures that are sold only as small as a card needs."""
    shown = [_rendition(file, widths) for file in files if file.name.lower().endswith(PICTURES)]
    return {"kind": "image", **shown[0], "pictures": shown} if shown else {}


def _rendition(file: Prepared, widths: Sequence[int]) -> dict[str, Any]:
    with file.open() as stream:
        (width, height), made = pictures.renditions(stream, widths)
    keys = {str(wide): storage.keep_bytes(data) for wide, data in made.items()}
    return {"name": file.name, "width": width, "height": height, "renditions": keys}


def _audio(files: Sequence[Prepared]) -> dict[str, Any]:
    for file in files:
        if file.name.lower().endswith(SOUNDS):
            with file.open() as stream:
                levels, seconds = sound.peaks(stream.read())
            return {"kind": "audio", "peaks": levels, "seconds": seconds}
    return {}


def _model(files: Sequence[Prepared]) -> dict[str, Any]:
    for file in files:
        if file.name.lower().endswith(".glb"):
            with file.open() as stream:
                return {"kind": "model", "triangles": shapes.silhouette(stream.read())}
    return {}
