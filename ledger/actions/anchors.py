"""Anchoring: the newest checkpoint's root goes into a contract on a chain, where we cannot take it back.

A chain forgets, reorders and answers late. So a transaction is written down before it is sent, every one that was
ever sent is looked for before another is signed, and the contract refuses whatever comes twice. The chain is asked
outside any transaction of the database; what follows is written if nobody has moved the anchor meanwhile.
"""

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from ledger import anchor_queries, queries
from ledger.actions import locks
from ledger.domain import anchoring, merkle
from ledger.domain.anchoring import AnchorCheck, Anchored, AnchorState, Latest, Own, Seen, Step, Verdict
from ledger.errors import (
    AnchorContradicted,
    AnchorTrouble,
    AnchorVanished,
    ChainUnreachable,
    NotAnAnchorer,
    TransactionRefused,
)
from ledger.gateways import evm
from ledger.gateways.evm import Chain, Fees, Signed
from ledger.models import Anchor, AnchorAttempt, AnchorContract, Checkpoint, Entry

LOCK = 0x57_45_4E_0A  # the anchors' advisory lock
NOTHING = Latest(0, bytes(merkle.HASH_SIZE))
NO_BLOCK = {"tx_hash": None, "block_number": None, "block_hash": None}

log = logging.getLogger(__name__)


def plan(*, now: datetime) -> Anchor | None:
    """Plan to anchor the newest checkpoint, if that is due and no anchor is under way."""
    with transaction.atomic():
        newest = queries.latest_checkpoint()
        if newest is None or not locks.try_lock(LOCK) or anchor_queries.open_anchor():
            return None
        last = anchor_queries.live_anchors().order_by("-size").first()
        if last and not anchoring.is_due(
            size=newest.size, last_size=last.size, last_at=last.planned_at, now=now
        ):
            return None
        return Anchor.objects.create(
            size=newest.size,
            root=newest.root,
            prev_size=last.size if last else NOTHING.size,
            prev_root=last.root if last else NOTHING.root,
            planned_at=now,
            moved_at=now,
        )


def advance(*, now: datetime) -> Anchor | None:
    """Bring the anchor under way one step further, and return it; what hinders it is written on its row.

    Raises AnchorContradicted when the chain has what the log has not.
    """
    anchor = anchor_queries.open_anchor()
    if anchor is None:
        return None
    row = Anchor.objects.filter(pk=anchor.pk)
    try:
        _advance(anchor, evm.connect(), now)
        row.exclude(last_trouble="").update(last_trouble="", trouble_at=None)
    except (AnchorTrouble, AnchorContradicted) as error:
        row.update(last_trouble=str(error), trouble_at=now)
        if isinstance(error, AnchorContradicted):
            raise
    return row.select_related("contract").get()


def _advance(anchor: Anchor, chain: Chain, now: datetime) -> None:
    contract = _contract(chain, now)
    if contract is None:  # ours, on its way
        return
    if anchor.contract not in (None, contract):
        _drop(anchor, now)  # the settings name another chain or contract since
        return
    seen = _look(chain, contract, anchor)
    step = anchoring.decide(_own(anchor), seen, confirmations=settings.EVM_CONFIRMATIONS, now=now)
    match step:
        case Step.SIGN:
            _sign(chain, contract, anchor, seen, chain.nonce(evm.anchorer()), now)
        case Step.REPLACE:
            _sign(chain, contract, anchor, seen, anchor.nonce, now)
        case Step.SEND:
            chain.send(bytes(anchor.attempts.last().raw))
        case Step.MINE:
            _mine(contract, anchor, seen.anchored, now)
        case Step.STEP_BACK:
            _write(anchor, AnchorState.SUBMITTED, now, **NO_BLOCK)
        case Step.CONFIRM:
            chain.agree(anchor.block_number, bytes(anchor.block_hash))
            _write(anchor, AnchorState.CONFIRMED, now, confirmed_at=now)
        case Step.DROP:
            _drop(anchor, now)


# What is seen ---------------------------------------------------------------------------------------------


def _look(chain: Chain, contract: AnchorContract, anchor: Anchor) -> Seen:
    """Ask the chain for all that the next step depends on. Raises AnchorContradicted."""
    attempts = list(anchor.attempts.all())
    latest = chain.latest(contract.address)
    _agree(latest.size, latest.root)
    found = [chain.anchored_by(bytes(attempt.tx_hash)) for attempt in attempts]
    anchored = next((event for event in found if event and event.contract == contract.address), None)
    if anchored is None and latest.size >= anchor.size:  # somebody's, or ours before a backup was restored
        anchored = chain.anchored_at(contract.address, anchor.size)
    if anchored:
        _agree(anchored.size, anchored.root)
    return Seen(
        height=chain.height(),
        latest=latest,
        anchored=anchored,
        nonce=chain.nonce(anchor.sender) if anchor.sender else 0,
        knows_newest=bool(attempts) and chain.knows(bytes(attempts[-1].tx_hash)),
    )


def _own(anchor: Anchor) -> Own:
    newest = anchor.attempts.last()
    return Own(
        state=AnchorState(anchor.state),
        size=anchor.size,
        prev_root=bytes(anchor.prev_root),
        block_hash=anchor.block_hash and bytes(anchor.block_hash),
        nonce=anchor.nonce if anchor.sender == evm.anchorer() else None,
        since=max(newest.sent_at, anchor.moved_at) if newest else None,
    )


def _agree(size: int, root: bytes) -> None:
    """Make sure that the log had this root at this size. Raises AnchorContradicted."""
    found = _root_at(size)
    if found != root:
        raise AnchorContradicted(size, root, found)


def _root_at(size: int) -> bytes | None:
    if size == NOTHING.size:
        return NOTHING.root
    signed = Checkpoint.objects.filter(size=size).first()
    if signed:
        return bytes(signed.root)
    if size > queries.size():
        return None
    leaves = Entry.objects.filter(number__lt=size).order_by("number").values_list("leaf_hash", flat=True)
    return merkle.Frontier().extend(bytes(leaf) for leaf in leaves.iterator()).root()


# What is written ------------------------------------------------------------------------------------------


def _write(anchor: Anchor, state: AnchorState, now: datetime, attempt: dict | None = None, **fields) -> bool:
    """Move the anchor; False, and nothing is written, when another worker is at it or was."""
    with transaction.atomic():
        if not locks.try_lock(LOCK):
            return False
        moved = Anchor.objects.filter(pk=anchor.pk, revision=anchor.revision).update(
            state=state,
            revision=anchor.revision + 1,
            moved_at=now,
            last_trouble="",
            trouble_at=None,
            **fields,
        )
        if moved and attempt:
            AnchorAttempt.objects.create(anchor=anchor, sent_at=now, **attempt)
    return bool(moved)


def _drop(anchor: Anchor, now: datetime) -> None:
    _write(anchor, AnchorState.DROPPED, now, **NO_BLOCK)


def _sign(
    chain: Chain, contract: AnchorContract, anchor: Anchor, seen: Seen, nonce: int, now: datetime
) -> None:
    """Sign a transaction, write it down, send it: in this order, so that none is in the world unknown to us."""
    sender, fees = evm.anchorer(), _fees(chain, contract, nonce)
    if not chain.takes_from(contract.address, sender):
        raise NotAnAnchorer(sender, contract.address)
    chain.need_funds(evm.ANCHOR_GAS, fees)
    signed = chain.sign_anchor(
        contract=contract.address,
        size=anchor.size,
        root=bytes(anchor.root),
        prev_root=seen.latest.root,
        nonce=nonce,
        fees=fees,
    )
    written = _write(
        anchor,
        AnchorState.SUBMITTED,
        now,
        attempt=_attempt(signed, fees, nonce),
        contract=contract,
        sender=sender,
        nonce=nonce,
        prev_size=seen.latest.size,
        prev_root=seen.latest.root,
    )
    if written:
        chain.send(signed.raw)


def _fees(chain: Chain, contract: AnchorContract, nonce: int) -> Fees:
    """Return the fees of today, or more where they must outbid what was sent with the same nonce."""
    fees = chain.fees()
    before = AnchorAttempt.objects.filter(anchor__contract=contract, nonce=nonce).last()
    return fees.over(Fees(before.max_fee_wei, before.tip_wei)) if before else fees


def _attempt(signed: Signed, fees: Fees, nonce: int) -> dict:
    return {
        "nonce": nonce,
        "tx_hash": signed.tx_hash,
        "raw": signed.raw,
        "max_fee_wei": fees.max_fee,
        "tip_wei": fees.tip,
    }


def _mine(contract: AnchorContract, anchor: Anchor, anchored: Anchored, now: datetime) -> None:
    ours = anchor.attempts.filter(
        tx_hash=anchored.tx_hash
    ).first()  # it may be an earlier one, of another nonce
    _write(
        anchor,
        AnchorState.MINED,
        now,
        contract=contract,
        tx_hash=anchored.tx_hash,
        block_number=anchored.block_number,
        block_hash=anchored.block_hash,
        **({"nonce": ours.nonce, "sender": evm.read(bytes(ours.raw)).sender} if ours else {}),
        **_previous(anchor, anchored),
    )


def _previous(anchor: Anchor, anchored: Anchored) -> dict:
    """Return what came before, where it is not what we thought: somebody else's transaction is the one mined."""
    if anchored.prev_root == bytes(anchor.prev_root):
        return {}
    signed = Checkpoint.objects.filter(root=anchored.prev_root, size__lt=anchor.size).last()
    return {"prev_root": anchored.prev_root, "prev_size": signed.size if signed else NOTHING.size}


# The contract ---------------------------------------------------------------------------------------------


def _contract(chain: Chain, now: datetime) -> AnchorContract | None:
    """Return the contract to anchor with, deploying one at need; None while ours is on its way.

    Raises AnchorVanished when it, or what we anchored with it, is no longer there.
    """
    given = settings.EVM_ANCHOR_CONTRACT
    rows = AnchorContract.objects.filter(chain_id=chain.chain_id, vanished_at=None)
    contract = (rows.filter(address__iexact=given) if given else rows.exclude(nonce=None)).last()
    if contract is None:
        return _given(chain, given, now) if given else _deploy(chain, now)
    if contract.deployed_at is None:
        return _deployed(chain, contract, now)
    if _is_gone(chain, contract):
        if settings.EVM_EMBEDDED or bytes(contract.genesis) != chain.genesis:
            _leave(contract, now)
        raise AnchorVanished(contract.chain_id, contract.address)
    return contract


def _is_gone(chain: Chain, contract: AnchorContract) -> bool:
    if bytes(contract.genesis) != chain.genesis or not chain.has_contract(contract.address):
        return True
    confirmed = contract.anchors.filter(state=AnchorState.CONFIRMED).aggregate(size=Max("size"))["size"]
    return chain.latest(contract.address).size < (confirmed or 0)


def _leave(contract: AnchorContract, now: datetime) -> None:
    """Begin anew where a test chain was lost. Of a real chain it is a node that lags, and is to be waited for."""
    log.warning("%s", AnchorVanished(contract.chain_id, contract.address))
    with transaction.atomic():
        if locks.try_lock(LOCK):
            for anchor in contract.anchors.filter(state__in=anchoring.OPEN_ANCHORS):
                _drop(anchor, now)
            AnchorContract.objects.filter(pk=contract.pk, vanished_at=None).update(vanished_at=now)


def _given(chain: Chain, address: str, now: datetime) -> AnchorContract:
    if not chain.has_contract(address):
        raise TransactionRefused(_("There is no contract at %(address)s.") % {"address": address})
    return AnchorContract.objects.create(
        chain_id=chain.chain_id, genesis=chain.genesis, address=address, deployed_at=now
    )


def _deploy(chain: Chain, now: datetime) -> None:
    """Write a contract down, then send it; its address follows from who deploys it with which nonce."""
    fees, nonce = chain.fees(), chain.nonce(evm.anchorer())
    chain.need_funds(evm.DEPLOYMENT_GAS, fees)
    address, signed = chain.sign_deployment(nonce=nonce, fees=fees)
    with transaction.atomic():
        ours = AnchorContract.objects.filter(chain_id=chain.chain_id, vanished_at=None).exclude(nonce=None)
        if not locks.try_lock(LOCK) or ours.exists():
            return
        AnchorContract.objects.create(
            chain_id=chain.chain_id,
            genesis=chain.genesis,
            address=address,
            nonce=nonce,
            raw=signed.raw,
            sent_at=now,
        )
    chain.send(signed.raw)


def _deployed(chain: Chain, contract: AnchorContract, now: datetime) -> AnchorContract | None:
    """Return our contract once it is there for good; else send it again, or give it up when its nonce is spent."""
    rows = AnchorContract.objects.filter(pk=contract.pk, deployed_at=None)
    same = bytes(contract.genesis) == chain.genesis
    if same and chain.has_contract(contract.address):
        if not chain.has_contract(contract.address, confirmations=settings.EVM_CONFIRMATIONS):
            return None
        rows.update(deployed_at=now)
        return contract
    if not same or chain.nonce(evm.anchorer()) > contract.nonce:
        rows.update(vanished_at=now)
        return None
    if now - contract.sent_at >= anchoring.RESEND_AFTER:
        before = evm.read(bytes(contract.raw))
        fees = chain.fees().over(before.fees)
        chain.need_funds(evm.DEPLOYMENT_GAS, fees)
        contract.raw = chain.sign_deployment(nonce=contract.nonce, fees=fees)[1].raw
        rows.update(raw=contract.raw, sent_at=now)
    chain.send(bytes(contract.raw))
    return None


# A second look --------------------------------------------------------------------------------------------


def check(anchor: Anchor) -> AnchorCheck:
    """Compare an anchor's row with its own signed transactions, with the log, and with what the chain has."""
    if anchor.state not in anchoring.MINED_ANCHORS:
        return AnchorCheck(anchor.size, Verdict.WAITING)
    differing = _own_difference(anchor)
    if differing:
        return AnchorCheck(anchor.size, Verdict.CONTRADICTED, *differing)
    try:
        return _check(anchor, evm.connect())
    except AnchorTrouble as trouble:
        return AnchorCheck(anchor.size, Verdict.UNREACHABLE, reason=str(trouble))


def check_contracts() -> list[AnchorCheck]:
    """Compare the newest that each contract has of our log with the log: rows that were removed do not hide it."""
    return [
        _check_contract(row)
        for row in AnchorContract.objects.filter(vanished_at=None).exclude(deployed_at=None)
    ]


def _own_difference(anchor: Anchor) -> tuple[str, str, str] | None:
    """Return the first field in which the row differs from what was signed for it, or from the log."""
    tx_hash, pairs = bytes(anchor.tx_hash or b""), []
    if anchor.contract is None or len(tx_hash) != merkle.HASH_SIZE:
        return "tx_hash", "", tx_hash.hex()
    for attempt in anchor.attempts.all():
        try:
            said = evm.read(bytes(attempt.raw))
        except AnchorTrouble as trouble:
            return "raw", "", str(trouble)
        pairs += [
            ("tx_hash", said.tx_hash, bytes(attempt.tx_hash)),
            ("nonce", said.nonce, attempt.nonce),
            ("fees", said.fees.pair, (attempt.max_fee_wei, attempt.tip_wei)),
            ("size", said.size, anchor.size),
            ("root", said.root, bytes(anchor.root)),
        ]
        if said.tx_hash == tx_hash:
            pairs += [
                ("chain_id", said.chain_id, anchor.contract.chain_id),
                ("contract", said.to, anchor.contract.address),
                ("sender", said.sender, anchor.sender),
                ("nonce", said.nonce, anchor.nonce),
                ("prev_root", said.prev_root, bytes(anchor.prev_root)),
            ]
    return anchoring.difference([*pairs, ("root", _root_at(anchor.size) or b"", bytes(anchor.root))])


def _check(anchor: Anchor, chain: Chain) -> AnchorCheck:
    contract = anchor.contract
    _same_chain(contract, chain)
    anchored = chain.anchored_by(bytes(anchor.tx_hash))
    if contract.vanished_at:
        return _left(anchor, chain, anchored)
    if anchored is None:
        return _missing(anchor, chain)
    differing = anchoring.difference(
        [
            ("contract", anchored.contract, contract.address),
            ("size", anchored.size, anchor.size),
            ("root", anchored.root, bytes(anchor.root)),
            ("prev_root", anchored.prev_root, bytes(anchor.prev_root)),
            ("block_number", anchored.block_number, anchor.block_number),
            ("block_hash", anchored.block_hash, bytes(anchor.block_hash)),
            ("genesis", chain.genesis, bytes(contract.genesis)),
        ]
    )
    if differing:
        return AnchorCheck(anchor.size, Verdict.CONTRADICTED, *differing)
    return AnchorCheck(anchor.size, Verdict.HOLDS)


def _same_chain(contract: AnchorContract, chain: Chain) -> None:
    if chain.chain_id != contract.chain_id:
        raise ChainUnreachable(
            _("The anchor is on the chain %(chain)d, and EVM_RPC_URL leads to %(other)d.")
            % {"chain": contract.chain_id, "other": chain.chain_id}
        )


def _left(anchor: Anchor, chain: Chain, anchored: Anchored | None) -> AnchorCheck:
    """Say whether a chain that we left was lost indeed. On one made anew the same transaction is in another block."""
    contract = anchor.contract
    still = anchored and anchored.block_hash == bytes(anchor.block_hash)
    if still and chain.genesis == bytes(contract.genesis):
        found = contract.vanished_at.isoformat()
        return AnchorCheck(anchor.size, Verdict.CONTRADICTED, "vanished_at", "", found)
    return _vanished(anchor.size, contract)


def _missing(anchor: Anchor, chain: Chain) -> AnchorCheck:
    """Say what it means that the chain does not have an anchor's transaction."""
    if anchor.state == AnchorState.MINED:
        return AnchorCheck(anchor.size, Verdict.WAITING)
    contract, ours = anchor.contract, anchor.attempts.filter(tx_hash=anchor.tx_hash).exists()
    gone = not chain.has_contract(contract.address) or chain.latest(contract.address).size < anchor.size
    if gone and ours:
        return _vanished(anchor.size, contract)
    found = None if gone else chain.anchored_at(contract.address, anchor.size)
    expected = found.tx_hash.hex() if found else ""
    return AnchorCheck(anchor.size, Verdict.CONTRADICTED, "tx_hash", expected, bytes(anchor.tx_hash).hex())


def _vanished(size: int, contract: AnchorContract) -> AnchorCheck:
    return AnchorCheck(
        size, Verdict.VANISHED, reason=str(AnchorVanished(contract.chain_id, contract.address))
    )


def _check_contract(contract: AnchorContract) -> AnchorCheck:
    newest = contract.anchors.filter(state=AnchorState.CONFIRMED).aggregate(size=Max("size"))["size"] or 0
    try:
        chain = evm.connect()
        _same_chain(contract, chain)
        latest = chain.latest(contract.address) if chain.has_contract(contract.address) else NOTHING
    except AnchorTrouble as trouble:
        return AnchorCheck(newest, Verdict.UNREACHABLE, reason=str(trouble))
    if latest.size < newest:
        return _vanished(newest, contract)
    found = _root_at(latest.size) or b""
    if found != latest.root:
        return AnchorCheck(latest.size, Verdict.CONTRADICTED, "root", latest.root.hex(), found.hex())
    on_its_way = contract.anchors.filter(state__in=anchoring.OPEN_ANCHORS, size=latest.size).exists()
    if latest.size > newest and not on_its_way:
        return AnchorCheck(latest.size, Verdict.CONTRADICTED, "size", str(latest.size), str(newest))
    return AnchorCheck(latest.size, Verdict.HOLDS)
