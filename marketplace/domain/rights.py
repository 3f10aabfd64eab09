"""Rights statements and licences that a dataset may name, and what each of them already allows.

Addresses are those of Creative Commons, rightsstatements.org and SPDX, with http or https, with or without a
closing slash or `.html`. Left out: ported licences, and texts that no such address names.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

USES = frozenset({"read", "analyse", "adapt", "redistribute", "commercial", "machine_learning"})


class Standing(StrEnum):
    """What the statement means for whoever wants to offer the material."""

    OPEN = "open"  # free of rights, or under a licence to everybody
    LIMITED = "limited"  # a licence to everybody that leaves something out
    PERMISSION = "permission"  # protected: the offer needs the right holder's permission
    UNCLEAR = "unclear"  # nobody has found out


@dataclass(frozen=True, slots=True)
class Rights:
    """One statement: its short name, its standing, the uses it gives to everybody and the duties it sets."""

    label: str
    standing: Standing
    allows: frozenset[str]
    duties: tuple[str, ...] = ()

    @property
    def needs_attribution(self) -> bool:
        return "attribute" in self.duties


_BY = ("attribute", "state_changes")
_NOTICE = ("keep_licence_notice",)
_NC = USES - {"commercial"}
_ND = USES - {"adapt", "machine_learning"}
_OPEN, _LIMITED = Standing.OPEN, Standing.LIMITED

_CREATIVE_COMMONS = {
    "publicdomain/zero": Rights("CC0", _OPEN, USES),
    "publicdomain/mark": Rights("Public Domain Mark", _OPEN, USES),
    "licenses/by": Rights("CC BY", _OPEN, USES, _BY),
    "licenses/by-sa": Rights("CC BY-SA", _OPEN, USES, (*_BY, "share_alike")),
    "licenses/by-nc": Rights("CC BY-NC", _LIMITED, _NC, _BY),
    "licenses/by-nc-sa": Rights("CC BY-NC-SA", _LIMITED, _NC, (*_BY, "share_alike")),
    "licenses/by-nd": Rights("CC BY-ND", _LIMITED, _ND, ("attribute",)),
    "licenses/by-nc-nd": Rights("CC BY-NC-ND", _LIMITED, _ND & _NC, ("attribute",)),
}
_STATEMENTS = {
    "NoC-US": Rights("No Copyright - United States", _OPEN, USES),
    "NoC-NC": Rights("No Copyright - Non-Commercial Use Only", _LIMITED, _NC),
    "NoC-OKLR": Rights("No Copyright - Other Known Legal Restrictions", _LIMITED, frozenset({"read"})),
    "NoC-CR": Rights("No Copyright - Contractual Restrictions", _LIMITED, frozenset({"read"})),
    "InC": Rights("In Copyright", Standing.PERMISSION, frozenset()),
    "InC-OW-EU": Rights("In Copyright - EU Orphan Work", Standing.PERMISSION, frozenset()),
    "InC-EDU": Rights("In Copyright - Educational Use Permitted", Standing.PERMISSION, frozenset()),
    "InC-NC": Rights("In Copyright - Non-Commercial Use Permitted", Standing.PERMISSION, frozenset()),
    "InC-RUU": Rights("In Copyright - Rights-holder Unlocatable", Standing.UNCLEAR, frozenset()),
    "CNE": Rights("Copyright Not Evaluated", Standing.UNCLEAR, frozenset()),
    "UND": Rights("Copyright Undetermined", Standing.UNCLEAR, frozenset()),
    "NKC": Rights("No Known Copyright", _OPEN, USES),
}
_SPDX = {
    "MIT": Rights("MIT", _OPEN, USES, _NOTICE),
    "Apache-2.0": Rights("Apache-2.0", _OPEN, USES, (*_NOTICE, "state_changes")),
    "BSD-2-Clause": Rights("BSD-2-Clause", _OPEN, USES, _NOTICE),
    "BSD-3-Clause": Rights("BSD-3-Clause", _OPEN, USES, _NOTICE),
    "PDDL-1.0": Rights("PDDL-1.0", _OPEN, USES),
    "ODC-By-1.0": Rights("ODC-By-1.0", _OPEN, USES, ("attribute", "keep_licence_notice")),
    "ODbL-1.0": Rights("ODbL-1.0", _OPEN, USES, ("attribute", "share_alike", "keep_licence_notice")),
    "OFL-1.1": Rights("OFL-1.1", _OPEN, USES, _NOTICE),
}

_CC_ADDRESS = re.compile(r"creativecommons\.org/((?:licenses|publicdomain)/[a-z-]+)/([1-4]\.[05])")
_RS_ADDRESS = re.compile(r"rightsstatements\.org/(?:vocab|page)/([A-Za-z-]+)/1\.0")
_SPDX_ADDRESS = re.compile(r"(?:spdx\.org/licenses|opensource\.org/licenses?)/([A-Za-z0-9.-]+?)(?:\.html)?")


def rights_of(uri: str) -> Rights | None:
    """Return what is known about a rights statement's address, or None for one that is not in the tables."""
    address = re.sub(r"^https?://(www\.)?", "", uri.strip()).rstrip("/")
    if found := _CC_ADDRESS.fullmatch(re.sub(r"/(deed|legalcode)(\.[a-z]+)?$", "", address)):
        known = _CREATIVE_COMMONS.get(found[1])
        return known and Rights(f"{known.label} {found[2]}", known.standing, known.allows, known.duties)
    if found := _RS_ADDRESS.fullmatch(address):
        return _STATEMENTS.get(found[1])
    if found := _SPDX_ADDRESS.fullmatch(address):
        return _SPDX.get(found[1])
    return None
