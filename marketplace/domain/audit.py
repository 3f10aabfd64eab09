"""The method of the rights audit: its rules, what it leaves out, its verdict, and which instants it can look at.

Every word of it stands in both languages here, as those of the terms do: they are part of what a report is sealed
over, so no catalogue of translations changes one. Whoever changes a rule or its words counts the version up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from marketplace.errors import TimeRefused

METHOD_VERSION = "1.0"
HOUSE_TIME = ZoneInfo("Asia/Shanghai")
Words = tuple[str, str]  # Chinese, English

METHOD: Words = (
    "权属审计方法 1.0：读取审计时点及以前发生的全部事实，按时点还原要约、授权与版本的状态，逐条核对下列规则；"
    "每项事实注明登记簿条目号，存在证明随附于报告包；可取得的文件重新计算散列。同一输入得到逐字节相同的报告。",
    "Rights audit method 1.0: read every fact whose own time is not later than the instant of the audit, restore "
    "offers, grants and versions as they stood then, and check the rules below one by one. Each fact carries its "
    "ledger entry number, and the bundle its inclusion proof; files within reach are hashed again. The same input "
    "gives the same report byte for byte.",
)


class Severity(StrEnum):
    """What a finding asks for."""

    GAP = "gap"  # something has to be mended before the rights hold without conditions
    NOTE = "note"  # worth knowing; nothing is broken
    PASS = "pass"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold: how bad it is where it does not, its words, and what mends it."""

    code: str
    severity: Severity
    title: Words
    remedy: Words


RULES = (
    Rule(
        "public-stays-free",
        Severity.GAP,
        (
            "公益数据免费：无定价，无独占，不限对象与地域",
            "What belongs to the public is free: no price, nobody's alone, for everybody, everywhere",
        ),
        ("撤回所列要约", "Withdraw the offers listed"),
    ),
    Rule(
        "public-has-standing-grant",
        Severity.GAP,
        (
            "公益数据的现行版本附有对所有人的常设授权",
            "The current version of what belongs to the public carries a standing grant to everybody",
        ),
        (
            "就所列数据的现行版本发布免费要约",
            "Offer the current version of what is listed to everybody, free",
        ),
    ),
    Rule(
        "edition-rests-on-public-sources",
        Severity.GAP,
        ("整理本所据来源为公益数据，且免费开放", "An edition rests on sources that are public and free"),
        (
            "重新开放所列来源，或撤回整理本的定价",
            "Open the sources listed again, or withdraw the edition's price",
        ),
    ),
    Rule(
        "edition-keeps-a-free-path",
        Severity.GAP,
        (
            "有价整理本对教育与公共文化机构免费",
            "A priced edition stays free for education and public culture",
        ),
        ("发布面向这些机构的免费要约", "Publish a free offer for these institutions"),
    ),
    Rule(
        "free-order-has-no-payment",
        Severity.GAP,
        ("免费订单没有付款记录", "No payment stands against a free order"),
        ("退还所列订单的款项", "Give back what was paid on the orders listed"),
    ),
    Rule(
        "exclusive-stands-alone",
        Severity.GAP,
        ("独占授权不与其他有效授权重叠", "No live grant stands beside an exclusive one"),
        ("撤销其中后作出的授权", "Revoke whichever grant came later"),
    ),
    Rule(
        "grant-is-as-offered",
        Severity.GAP,
        (
            "授权的版本与条款同其要约，且作出时要约未撤回",
            "A grant has the version and terms of its offer, and was made before the offer was withdrawn",
        ),
        ("撤销所列授权，或另行补授", "Revoke the grants listed, or grant anew"),
    ),
    Rule(
        "paid-grant-has-a-paid-order",
        Severity.GAP,
        ("有偿授权均有已付款的订单", "A paid grant has a paid order"),
        ("查明付款，否则撤销所列授权", "Find the payment, or revoke the grants listed"),
    ),
    Rule(
        "free-grant-has-a-free-offer",
        Severity.GAP,
        ("免费授权与常设授权均出自免费要约", "A free or standing grant comes from a free offer"),
        ("撤销所列授权", "Revoke the grants listed"),
    ),
    Rule(
        "paid-is-granted-or-refunded",
        Severity.GAP,
        (
            "付款满一分钟的订单行均已授权或退款",
            "Every line that was paid a minute ago or more has its grant or its refund",
        ),
        ("就所列订单行授权或退款", "Grant or refund the lines listed"),
    ),
    Rule(
        "money-adds-up",
        Severity.GAP,
        (
            "份额合计等于价款，退款不超过价款，分录借贷相等",
            "Shares add up to the price, refunds stay within it, and the journal balances",
        ),
        ("以新分录更正所列订单", "Correct the orders listed by new journal entries"),
    ),
    Rule(
        "delivery-was-permitted",
        Severity.GAP,
        (
            "每次交付均有准许决定，当时授权有效，文件属于所授版本",
            "Every delivery was decided and permitted, under a grant that was live and opens that file",
        ),
        (
            "查明所列交付的原因并告知授权方",
            "Find out how the deliveries listed happened, and tell the licensor",
        ),
    ),
    Rule(
        "files-are-what-was-published",
        Severity.GAP,
        ("文件与发布时的散列一致", "Files hash to what was published"),
        ("自备份恢复所列文件", "Restore the files listed from a backup"),
    ),
    Rule(
        "ledger-says-the-same",
        Severity.GAP,
        ("登记簿条目与业务记录所载相同", "Ledger entries say what the records say"),
        ("以登记簿为准更正所列记录", "Correct the records listed: the ledger counts"),
    ),
    Rule(
        "nothing-personal-on-the-ledger",
        Severity.GAP,
        (
            "登记簿上的被授权方只有承诺值",
            "Licensees stand on the ledger under commitments only",
        ),
        ("停止公开所列条目并上报", "Stop serving the entries listed, and report it"),
    ),
    Rule(
        "every-fact-has-its-entry",
        Severity.NOTE,
        (
            "每项事实均有登记条目，并在签名检查点之内",
            "Every fact has its ledger entry, under a signed checkpoint",
        ),
        (
            "待编号与签名后重出报告；无条目者由引起它的条目说明",
            "Make the report again once they are numbered and signed; what never gets an entry is told by its cause",
        ),
    ),
)

LIMITS: tuple[Words, ...] = (
    (
        "权利主张、异议与权属链尚未纳入本方法，随后补入。",
        "Claims, objections and the chain of title are not covered yet; they join in a later version.",
    ),
    (
        "报告说明登记了什么，不判断谁应享有权利；登记前未经权属审查。",
        "The report says what was recorded, not who is entitled: rights were not examined before registration.",
    ),
    (
        "不载个人信息：被授权方只列承诺值，撤销理由为自由文字，不予列出。",
        "Nothing personal is in it: licensees stand under commitments, and reasons for revocations, "
        "which are free text, are left out.",
    ),
    (
        "文件散列为出具报告时重新计算，不代表审计时点的存储状态。",
        "Files were hashed again when the report was made; that tells nothing of the storage at the earlier instant.",
    ),
    (
        "金额出自本站账簿，不在登记簿上，离线核验只能确认其未被改动。",
        "Amounts come from the house's journal, not from the ledger: offline one only sees that they were not changed.",
    ),
    (
        "离线核验检查证明、签名与散列，不检查上述规则。",
        "The offline verifier checks proofs, signatures and digests, not these rules.",
    ),
)


def both(words: Words) -> dict[str, str]:
    """Return words as a language map."""
    return {"zh-Hans": words[0], "en": words[1]}


def finding(rule: Rule, looked_at: int, against: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a rule's check came to; `against` names what breaks it."""
    return {
        "severity": str(rule.severity if against else Severity.PASS),
        "rule": rule.code,
        "title": both(rule.title),
        "looked_at": looked_at,
        "evidence": [dict(each) for each in against],
        "remedy": both(rule.remedy) if against else None,
    }


def verdict(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the verdict: a sentence, its conditions, and four counts."""
    gaps = [each for each in findings if each["severity"] == Severity.GAP]
    notes = [each for each in findings if each["severity"] == Severity.NOTE]
    total, open_gaps, open_notes = len(findings), len(gaps), len(notes)
    if gaps:
        code = "conditional"
        words = (
            f"有条件成立：所查 {total} 项规则中，{open_gaps} 项需补",
            f"Holds on conditions: of {total} rules checked, {open_gaps} to be mended",
        )
    elif notes:
        code = "holds-with-notes"
        words = (
            f"成立：所查 {total} 项规则无一违反，另有 {open_notes} 项提示",
            f"Holds: of {total} rules checked none is broken; worth knowing: {open_notes}",
        )
    else:
        code = "holds"
        words = (
            f"成立：所查 {total} 项规则全部符合",
            f"Holds: all {total} rules that were checked are kept",
        )
    return {
        "code": code,
        "sentence": both(words),
        "conditions": [each["remedy"] for each in gaps],
        "counts": {
            "checked": total,
            "passed": total - open_gaps - open_notes,
            "notes": open_notes,
            "gaps": open_gaps,
        },
    }


def instant(text: str, *, now: datetime) -> datetime:
    """Read the instant that a report is asked for: a time with its zone, or a date, which is that day's end here.

    Today is the one day that has not ended: it means now. Raises TimeRefused.
    """
    said = text.strip()
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return _at_a_time(said, now)
    if day == now.astimezone(HOUSE_TIME).date():
        return now
    try:
        ended = datetime.combine(day + timedelta(days=1), time(), HOUSE_TIME) - timedelta(microseconds=1)
    except OverflowError as error:
        raise TimeRefused(said, "unreadable") from error
    return _not_ahead(said, ended, now)


def check_began(at: datetime, first: datetime | None) -> None:
    """Refuse an instant before there was anything to tell. Raises TimeRefused."""
    if first is None or at < first:
        raise TimeRefused(at.isoformat(), "too-early", first)


def _at_a_time(said: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(said)
        if at.tzinfo is None or at.utcoffset() is None:
            raise TimeRefused(said, "no-zone")
        return _not_ahead(said, at, now)
    except (ValueError, OverflowError) as error:
        raise TimeRefused(said, "unreadable") from error


def _not_ahead(said: str, at: datetime, now: datetime) -> datetime:
    if at > now:
        raise TimeRefused(said, "ahead")
    return at
