"""Why a dataset is refused: one code, the field, and a sentence for each fault.

Sentences stand here in English with named values; an edge that speaks another language translates them.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SENTENCES = {
    # the shape of the record
    "not-an-object": "A JSON object is expected here.",
    "missing-field": "This field is required.",
    "unknown-field": "The format has no field of this name.",
    "field-twice": "The field stands here twice, so it is not clear which one counts.",
    "wrong-type": "This must be %(expected)s.",
    "bad-text": "The text is empty, too long or holds characters that cannot be stored.",
    "bad-id": "An id is 1 to 80 of a-z, 0-9, dot, hyphen and underscore, and starts with a letter or digit.",
    "id-twice": "Another dataset of this catalogue has the same id.",
    "unknown-word": "“%(word)s” is not one of: %(known)s.",
    "unknown-seller": "There is no seller “%(seller)s”, here or in the house.",
    "bad-period": "The period ends before it starts.",
    "bad-term": "The days of updates and support must be from 1 to 36,500.",
    # the files
    "no-files": "A dataset names at least one source file.",
    "file-twice": "The file %(file)s is named twice.",
    "path-escape": "The path %(file)s leaves the data folder.",
    "missing-file": "There is no file %(file)s in the data folder.",
    "unreadable-file": "The file %(file)s cannot be read: %(reason)s.",
    "bad-selection": "Records are selected from tables and lists of records, and %(file)s is neither.",
    "unknown-selection-field": "No record of the source has the field “%(name)s”.",
    "wrong-record-count": "The catalogue says %(said)s records, the files hold %(counted)s.",
    # the rights
    "no-rights": "The dataset has no rights statement or licence.",
    "unknown-rights": "The rights statement %(uri)s is not one that the house knows.",
    "rights-unclear": "Under “%(rights)s” nobody knows who may offer the material.",
    "by-without-attribution": "%(rights)s asks for an attribution text and there is none.",
    "in-copyright-without-permission": (
        "Material under “%(rights)s” is offered without evidence of permission."
    ),
    "terms-forbid-licence": "The terms forbid what %(rights)s already allows to everybody: %(what)s.",
    "terms-exceed-licence": "The terms promise what %(rights)s does not give: %(what)s.",
    "no-uses": "Terms that allow nothing are no terms.",
    "terms-contradict": "The terms allow and forbid the same: %(what)s.",
    # the price
    "free-and-priced": "The dataset is marked free and priced at once.",
    "price-zero": "The price is zero and the dataset is not marked free.",
    "price-negative": "The price is a negative amount.",
    "price-not-whole": "The price is not a whole number of minor units.",
    "price-too-high": "The price is higher than the house can book.",
    "price-step": "Prices in %(currency)s are whole multiples of %(step)s minor units.",
    "unknown-currency": "There is no currency with the code “%(currency)s” here.",
    # what belongs to the public
    "public-interest-priced": "A public-interest dataset must be free.",
    "public-interest-limited": "A public-interest dataset is for everybody, everywhere and not exclusive.",
    "exclusive-and-free": "An exclusive offer has a price.",
    "priced-selection-of-public-interest": (
        "A priced plain selection of the public-interest dataset “%(source)s”: "
        "it is public-interest as well, unless it is a curated edition."
    ),
    "edition-without-source": "The curated edition names no free source dataset.",
    "edition-source-not-free": (
        "The edition's source “%(source)s” is not a free public-interest dataset on show here."
    ),
    "edition-source-lacks-files": "No source of the edition holds the file %(file)s whole.",
    "edition-without-addition": "The curated edition does not say in both languages what it adds.",
    "edition-without-benefit-plan": "The curated edition has no benefit plan in both languages.",
    "edition-not-free-for-public": (
        "The curated edition does not stay free for education and public cultural institutions."
    ),
    "edition-limited": "A curated edition of public records is for everybody and not exclusive.",
    "public-stays-public": "The dataset is public-interest here already, and that does not change back.",
    # the rules further down
    "refused-by-rule": "The house refused it: %(reason)s",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `code` is a key of SENTENCES, `field` a path into the record."""

    code: str
    field: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.code in SENTENCES, self.code

    @property
    def sentence(self) -> str:
        return self.translated(lambda template: template)

    def translated(self, gettext: Callable[[str], str]) -> str:
        """Return the sentence in the language of `gettext`."""
        return gettext(SENTENCES[self.code]) % self.values
