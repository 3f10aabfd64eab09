"""What is recomputed about an entry, in words: one line for each check, with what passing or failing means."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger import anchor_queries, queries
from ledger.domain.anchoring import AnchorState
from ledger.domain.cosignatures import ML_DSA_44
from ledger.models import Anchor
from marketplace.templatetags.shown import moment_text, number, short_hash
from marketplace.views.parts import Badge, Check

TEST_CHAINS = (1337, 31337)  # what nodes for developers call their chains


def check_words(check: queries.Check) -> Check:
    """Say what one recomputed check means."""
    words = {
        "canonical": (_("Spelling"), _("The bytes are the one canonical spelling of what they say.")),
        "leaf_hash": (_("Entry hash"), _("The bytes hash to %(hash)s.")),
        "previous": (_("Link"), _("It names the chain hash of the entry before it, %(hash)s.")),
        "chain_hash": (_("Chain hash"), _("Link and entry hash together give %(hash)s.")),
        "inclusion": (_("Inclusion"), _("The path reaches the root %(hash)s.")),
        "signature": (_("Signatures"), _("Signed by the log and cosigned as its policy asks.")),
    }
    failures = {
        "canonical": _("The bytes are not the canonical spelling: they were changed after they were logged."),
        "leaf_hash": _("The bytes do not hash to the hash beside them: one of the two was changed."),
        "previous": _("It does not name the entry before it: entries were changed, taken out or put in."),
        "chain_hash": _("Link and entry hash do not give the chain hash: one of them was changed."),
        "inclusion": _("The path does not reach the signed root: this entry is not what was signed."),
        "signature": _("The checkpoint is not signed as the log's policy asks: do not rely on it."),
    }
    title, passed = words.get(check.code, (check.code, "%(hash)s"))
    if not check.passed:
        return Check("fail", title, failures.get(check.code, check.found or check.expected))
    return Check("pass", title, passed % {"hash": short_hash(check.found or check.expected)})


def signer_words(signer: queries.Signer) -> Check:
    """Say who stands for a checkpoint with which kind of key, or that somebody does not."""
    title, passed = _signer_names(signer)
    if signer.holds and not signer.may:
        return Check(
            "fail", title, _("The signature holds, but the policy does not let this key sign this size.")
        )
    if signer.holds:
        at = datetime.fromtimestamp(signer.timestamp or 0, UTC)
        named = {"key": signer.key_id, "name": signer.name, "moment": moment_text(at)}
        return Check("pass", title, passed % named)
    if signer.holds is False:
        return Check(
            "fail",
            title,
            _("The line under the note is not a signature by this key (%(key)s).") % {"key": signer.key_id},
        )
    if not signer.may:
        return Check("wait", title, _("The key %(key)s is not in use at this size.") % {"key": signer.key_id})
    return Check(
        "wait",
        title,
        _("Nothing by this key (%(key)s) stands under this checkpoint.") % {"key": signer.key_id},
    )


def newest_anchor_words() -> Check:
    """Say how far the log itself is anchored: the newest final anchor, else the one under way."""
    newest = anchor_queries.latest_anchor() or anchor_queries.open_anchor()
    if newest is None and not _is_gone():
        text = _(
            "No chain holds a checkpoint yet. One is anchored every ten minutes while there is news; until then "
            "signatures and witnesses stand for the log."
        )
        return Check("wait", _("Anchor, none yet"), text)
    return anchor_words(newest)


def anchor_words(anchor: Anchor | None) -> Check:
    """Say how far the anchor over an entry has come, and what that is worth."""
    if anchor is None:
        return Check("wait", _("Anchor, none yet"), _no_anchor())
    named = {
        "size": number(anchor.size),
        "block": number(anchor.block_number),
        "chain": anchor.contract.chain_id if anchor.contract else "",
        "transaction": short_hash(anchor.tx_hash) if anchor.tx_hash else "",
        "moment": moment_text(anchor.moved_at),
    }
    if anchor.state == AnchorState.CONFIRMED:
        return _confirmed(anchor, named)
    words = {
        AnchorState.PLANNED: _(
            "Planned for the checkpoint of %(size)s entries since %(moment)s, and on no chain yet: it is not final "
            "and proves nothing so far."
        ),
        AnchorState.SUBMITTED: _(
            "The checkpoint of %(size)s entries was sent to chain %(chain)s and is in no block yet: it is not final."
        ),
        AnchorState.MINED: _(
            "The checkpoint of %(size)s entries is in block %(block)s of chain %(chain)s. The chain could still drop "
            "that block: it is not final."
        ),
    }
    text = words.get(AnchorState(anchor.state), anchor.state) % named
    if anchor.last_trouble:
        text += " " + _("The last attempt failed and is made again.")
    return Check("wait", _("Anchor, not final"), text)


def anchor_badge(anchor: Anchor | None) -> Badge:
    """Say in two words how far an anchor has come."""
    if anchor is None:
        return Badge("withdrawn", "clock", _("Not anchored yet"))
    if anchor.state != AnchorState.CONFIRMED:
        return Badge("paid", "clock", _("Anchor pending"))
    if is_test(anchor):
        return Badge("gated", "info", _("Anchored on a test chain"))
    return Badge("verified", "check", _("Anchored"))


def is_test(anchor: Anchor) -> bool:
    """Tell whether an anchor is on a chain that is only for trying out."""
    return settings.EVM_EMBEDDED or bool(anchor.contract and anchor.contract.chain_id in TEST_CHAINS)


def checks(proved: queries.ProvedEntry) -> list[Check]:
    """Recompute all that can be recomputed of an entry, and say it: bytes, tree, each signature, anchor."""
    found = queries.checks(proved.number)
    if proved.checkpoint is None:
        text = _(
            "The next checkpoint covers this entry, usually within two seconds; its proof stands here then."
        )
        return [*map(check_words, found), Check("wait", _("Inclusion"), text)]
    told = [check_words(check) for check in found if check.code != "signature"]
    told += [signer_words(signer) for signer in queries.signers(proved.checkpoint)]
    return [*told, anchor_words(anchor_queries.anchor_over(proved.number + 1))]


def certificate_checks(number: int, proved: queries.ProvedEntry, *, named: bool) -> list[Check]:
    """Return the checks of the entry that a certificate is registered as."""
    told = _("Entry %(number)s names this certificate and these terms.") % {"number": number}
    link = reverse("ledger-entry", args=[number])
    first = Check("pass" if named else "fail", _("Ledger"), told, link, _("Ledger entry"))
    return [first, *checks(proved)]


def _signer_names(signer: queries.Signer) -> tuple[str, str]:
    post_quantum = signer.kind == ML_DSA_44
    if signer.is_log:
        return _("Signature of the log"), _(
            "Ed25519, by the log's own key %(key)s: the house stands for this size and root."
        )
    if signer.is_ours:
        return _("Second signature of the log"), _(
            "ML-DSA-44, post-quantum, by the log's own key %(key)s on %(moment)s: it would hold where a quantum "
            "computer could forge the first."
        )
    title = _("Witness %(name)s") % {"name": signer.name}
    if post_quantum:
        return title, _(
            "ML-DSA-44, post-quantum: on %(moment)s the witness saw this checkpoint continue all that it had seen "
            "before."
        )
    return title, _(
        "Ed25519: on %(moment)s the witness saw this checkpoint continue all that it had seen before."
    )


def _confirmed(anchor: Anchor, named: dict[str, Any]) -> Check:
    if is_test(anchor):
        return Check(
            "wait",
            _("Anchor, on a test chain"),
            _(
                "The checkpoint of %(size)s entries is in block %(block)s of the test chain %(chain)s, transaction "
                "%(transaction)s. A test chain shows how it works; it proves nothing to a stranger."
            )
            % named,
        )
    return Check(
        "pass",
        _("Anchor"),
        _(
            "The checkpoint of %(size)s entries is in block %(block)s of chain %(chain)s for good, transaction "
            "%(transaction)s: up to there nobody can give the log another past, not even its house."
        )
        % named,
    )


def _is_gone() -> bool:
    return any(each.contract and each.contract.vanished_at for each in anchor_queries.anchors(limit=1))


def _no_anchor() -> str:
    if _is_gone():
        return _(
            "The test chain that held the last anchor is gone, as test chains go; that is no tampering. The next "
            "anchor covers this entry too."
        )
    return _(
        "No chain holds a checkpoint over this entry yet. One is anchored every ten minutes while there is news; until "
        "then the signatures above stand for it."
    )
