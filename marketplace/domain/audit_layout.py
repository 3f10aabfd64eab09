"""An audit report laid out for reading: from its facts alone, in one language, the same for page and paper.

    {"title", "verdict", "counts", "sections": [{"id", "heading", "note", "blocks"}], "coverage", "limits", "signed"}

A block is a table (columns, rows of cells) or a list of sentences; a cell is some lines, each a text and its look.
The two templates print blocks and know nothing of rights.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from licensing.domain.money import Money, display
from licensing.domain.vocabulary import AUDIENCES, PURPOSE_NAMES, TEMPLATE_NAMES, pick, territory_name
from marketplace.domain.audit import HOUSE_TIME, Words

Facts = Mapping[str, Any]
Line = dict[str, Any]
Cell = list[Line]
MONTHS: tuple[str, ...] = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
COMMITMENT: Words = ("被授权方承诺值", "licensee, commitment")
SEVERITIES: dict[str, Words] = {
    "gap": ("需补", "To mend"),
    "note": ("提示", "Note"),
    "pass": ("通过", "Pass"),
}
EVENTS: dict[str, Words] = {
    "asset.registered": ("登记数据资产", "Asset registered"),
    "asset.public_interest": ("宣告为公益数据", "Declared to be of public interest"),
    "version.published": ("发布版本", "Version published"),
    "offer.published": ("发布要约", "Offer published"),
    "offer.ended": ("要约终止", "Offer ended"),
    "grant.issued": ("作出授权", "Grant issued"),
    "grant.revoked": ("撤销授权", "Grant revoked"),
}
THINGS: dict[str, Words] = {
    "asset": ("数据资产", "asset"),
    "version": ("版本", "version"),
    "offer": ("要约", "offer"),
    "grant": ("授权", "grant"),
    "delivery": ("交付", "delivery"),
    "file": ("文件", "file"),
    "order": ("订单", "order"),
    "order-line": ("订单行", "order line"),
    **EVENTS,
}
BASES: dict[str, Words] = {
    "paid": ("有偿", "paid"),
    "free": ("免费，具名", "free, by name"),
    "standing": ("常设，对所有人", "standing, to everybody"),
}
ENDS: dict[str, Words] = {
    "superseded": ("被新要约取代", "superseded"),
    "withdrawn": ("授权方撤回", "withdrawn"),
    "public_interest": ("成为公益数据", "of public interest"),
}
REFUNDS: dict[str, Words] = {
    "not_granted": ("未能授权", "not granted"),
    "surplus": ("多付", "surplus"),
}
FORMS: dict[str, Words] = {
    "table": ("表格", "table"),
    "nested_records": ("嵌套记录", "nested records"),
    "text": ("文本", "text"),
    "image": ("图像", "images"),
    "audio": ("声音", "sound"),
    "model3d": ("三维模型", "3D model"),
}


def lay_out(facts: Facts, *, digest: str, language: str) -> dict[str, Any]:
    """Return a report as titles, sentences and tables in one language."""
    return _Layout(facts, digest, language).page()


class _Layout:
    """The words of one language around the facts of one report."""

    def __init__(self, facts: Facts, digest: str, language: str) -> None:
        self.facts, self.digest, self.language = facts, digest, language
        self.chinese = language == "zh-Hans"
        self.is_shop = facts["scope"]["kind"] == "shop"

    def page(self) -> dict[str, Any]:
        facts, verdict = self.facts, self.facts["verdict"]
        title, other = self.title()
        return {
            "language": self.language,
            "number": facts["number"] or "",
            "kind": self.say(("权属审计报告", "Rights audit report")),
            "title": title,
            "title_other": other,
            "other_language": "en" if self.chinese else "zh-Hans",
            "subject": facts["scope"]["id"],
            "code": verdict["code"],
            "verdict": verdict["sentence"][self.language],
            "summary": self.summary(),
            "conditions": [each[self.language] for each in verdict["conditions"]],
            "conditions_word": self.say(("补齐条件", "What mends it")),
            "counts": self.counts(),
            "findings": self.findings(),
            "coverage": {"heading": self.say(("覆盖范围", "Coverage")), "rows": self.coverage()},
            "limits": {
                "heading": self.say(("局限", "Limits")),
                "sentences": [each[self.language] for each in facts["limits"]],
            },
            "seal": self.say(("审计之印", "Seal of the audit")),
            "signed": self.signed(),
            "digest_word": self.say(
                ("报告散列（SHA-256，对 report.json）", "Digest of the report (SHA-256 of report.json)")
            ),
            "digest": self.digest,
            "sections": [
                self.permissions(),
                self.terms(),
                self.scope(),
                self.assets(),
                self.history(),
                self.deliveries(),
                self.sales(),
            ],
        }

    # The head

    def title(self) -> tuple[str, str]:
        words = self.facts["scope"]["title"]
        first, second = ("zh-Hans", "en") if self.chinese else ("en", "zh-Hans")
        if not words.get(first):
            return words.get(second) or self.facts["scope"]["id"], ""
        return words[first], words.get(second, "")

    def summary(self) -> str:
        then, at = self.facts["verdict"]["then"], self.moment_words(self.facts["as_of"])
        return self.say(
            (
                f"审计时点 {at}。其时有效的：要约 {then['open_offers']} 项，对所有人的常设授权 "
                f"{then['standing_grants']} 项，具名授权 {then['named_grants']} 项。"
                "权利主张、异议与权属链尚未纳入。",
                f"As of {at}. Standing then: offers {then['open_offers']}, standing grants to everybody "
                f"{then['standing_grants']}, named grants {then['named_grants']}. "
                "Claims, objections and the chain of title are not covered yet.",
            )
        )

    def counts(self) -> list[dict[str, str]]:
        words: dict[str, Words] = {
            "checked": ("核对事项", "Checked"),
            "passed": ("通过", "Passed"),
            "notes": ("提示", "Notes"),
            "gaps": ("需补", "To mend"),
        }
        counted = self.facts["verdict"]["counts"]
        return [
            {"code": code if counted[code] else "none", "word": self.say(pair), "number": str(counted[code])}
            for code, pair in words.items()
        ]

    def findings(self) -> dict[str, Any]:
        order = {"gap": 0, "note": 1, "pass": 2}
        rows = [
            [
                [self.line(self.say(SEVERITIES[each["severity"]]), f"badge-{each['severity']}")],
                [self.line(each["title"][self.language], "strong")],
                self.evidence(each),
                [self.line(each["rule"], "mono")],
                [self.line(each["remedy"][self.language] if each["remedy"] else self.say(("无", "none")))],
            ]
            for each in sorted(self.facts["findings"], key=lambda each: order[each["severity"]])
        ]
        columns = self.columns(
            (("结论", "Finding"), 0),
            (("事项", "Matter"), 3),
            (("凭证", "Evidence"), 3),
            (("规则", "Rule"), 2),
            (("补救", "Remedy"), 2),
        )
        method = self.facts["method"]["version"]
        note = self.say((f"方法 {method} 版", f"Method {method}"))
        return self.section("findings", ("发现", "Findings"), note, self.table(columns, rows))

    def evidence(self, found: Facts) -> Cell:
        looked = self.line(
            self.say(
                (f"核对 {self.count(found['looked_at'])} 项", f"items: {self.count(found['looked_at'])}")
            )
        )
        return [looked, *(self.line(self.named(each), "mono", each["entry"]) for each in found["evidence"])]

    def named(self, item: Facts) -> str:
        entry = "" if item["entry"] is None else f" #{item['entry']}"
        return f"{self.say(THINGS.get(item['kind'], (item['kind'], item['kind'])))} {item['id']}{entry}"

    def coverage(self) -> list[dict[str, str]]:
        found, count = self.facts["coverage"], self.count

        def of(part: str, whole: str) -> Words:
            part, whole = count(found[part]), count(found[whole])
            return f"{whole} 项中 {part} 项", f"{part} of {whole}"

        size = count(found["bytes_hashed_again"])
        rehashed = of("files_hashed_again", "files")
        rows: list[tuple[Words, Words]] = [
            (("有条目与证明的事实", "Facts with entry and proof"), of("facts_with_entry_and_proof", "facts")),
            (
                ("列出的交付（最新者）", "Deliveries listed, the newest"),
                of("deliveries_listed", "deliveries"),
            ),
            (
                ("重新计算散列的文件", "Files hashed again"),
                (f"{rehashed[0]}，{size} 字节", f"{rehashed[1]}, {size} bytes"),
            ),
        ]
        return [{"word": self.say(word), "text": self.say(text)} for word, text in rows]

    def signed(self) -> list[dict[str, str]]:
        log, point = self.facts["ledger"]["origin"], self.facts["ledger"]["checkpoint"]
        rows: list[tuple[Words, str, str]] = [
            (("审计时点", "As of"), self.moment(self.facts["as_of"]), ""),
            (("出具", "Made"), self.moment(self.facts["made_at"]), ""),
            (("登记簿", "Ledger"), log, "mono"),
            (("检查点", "Checkpoint"), self.count(point["size"]), ""),
            (("根", "Root"), point["root"], "mono"),
        ]
        if self.facts["number"]:
            rows.insert(0, (("编号", "Number"), self.facts["number"], "mono"))
        return [{"word": self.say(word), "text": text, "look": look} for word, text, look in rows]

    # What one could do

    def permissions(self) -> dict[str, Any]:
        found = self.facts["permissions"]
        rows = [self.held(each, ("所有人", "Everybody")) for each in found["everybody"]]
        rows += [self.takeable(each) for each in found["offers"]]
        rows += [self.held(each, ("持有授权者", "Whoever holds the grant")) for each in found["grants"]]
        columns = self.columns((("何人", "Who"), 1), (("可以何为", "Could do"), 1), (("依据", "By"), 0))
        note = self.say(
            (
                f"截至 {self.moment_words(self.facts['as_of'])}。条款以散列首 12 位指称，全文见下节。",
                f"As of {self.moment_words(self.facts['as_of'])}. Terms go by the first 12 digits of their hash; "
                "their words stand in the next section.",
            )
        )
        empty: Words = (
            "其时无人可据要约或授权使用。",
            "At that moment no offer and no grant allowed anybody anything.",
        )
        return self.section(
            "permissions",
            ("当日谁可以做什么", "Who could do what on that day"),
            note,
            self.table(columns, rows, empty),
        )

    def held(self, held: Facts, who: Words) -> list[Cell]:
        purpose = held["purpose"]
        what: Words = (
            PURPOSE_NAMES[purpose] if purpose else ("条款所许的一切使用", "whatever the terms allow")
        )
        basis, since = self.say(BASES[held["basis"]]), self.moment(held["since"])
        by = [self.line(held["grant"], "mono"), *self.of_version(held)]
        by.append(self.line(self.say((f"{basis}，自 {since}", f"{basis}, since {since}"))))
        if held["licensee"] != "everybody":
            by.append(self.line(f"{self.say(COMMITMENT)} {held['licensee']}", "mono"))
        return [[self.line(self.say(who), "strong")], [self.line(self.say(what))], [*by, self.short(held)]]

    def takeable(self, offer: Facts) -> list[Cell]:
        audience = [self.say(AUDIENCES[word]) for word in offer["audience"]]
        who = audience or [self.say(("任何人", "Anybody"))]
        places = [territory_name(code, self.language) for code in offer["territory"]]
        price = self.price(offer)
        what = [
            self.line(
                self.say(
                    (
                        f"以{price}取得授权" if offer["price_minor_units"] else "免费取得授权",
                        f"take a grant: {price}",
                    )
                )
            )
        ]
        if places:
            where = "、".join(places) if self.chinese else ", ".join(places)
            what.append(self.line(self.say((f"限在{where}使用", f"for use in {where}"))))
        if offer["exclusive"]:
            what.append(self.line(self.say(("独占，只展示不出售", "exclusive: shown, not sold"))))
        by = [self.line(self.say(("要约", "offer")) + " " + offer["offer"], "mono"), *self.of_version(offer)]
        return [[self.line(word, "strong") for word in who], what, [*by, self.short(offer)]]

    def of_version(self, what: Facts) -> Cell:
        version = self.say((f"第 {what['version']} 版", f"version {what['version']}"))
        return [self.line(f"{what['asset']} {version}" if self.is_shop else version)]

    def short(self, what: Facts) -> Line:
        return self.line(self.say(("条款", "terms")) + " " + what["terms"][:12], "mono")

    def terms(self) -> dict[str, Any]:
        blocks = []
        for each in self.facts["permissions"]["terms"]:
            clauses = [f"{clause['clause']}. {clause['text'][self.language]}" for clause in each["clauses"]]
            blocks.append(
                {
                    "heading": pick(TEMPLATE_NAMES[each["template"]], self.language),
                    "hash": each["terms"],
                    "sentences": clauses,
                }
            )
        return self.section("terms", ("条款原文", "The terms in words"), "", *blocks)

    # The annex

    def scope(self) -> dict[str, Any]:
        scope, coverage = self.facts["scope"], self.facts["coverage"]
        kind = (
            ("一家店铺的全部数据资产", "all assets of one shop")
            if self.is_shop
            else ("一项数据资产", "one asset")
        )
        assets, listed = self.count(scope["assets"]), self.count(coverage["deliveries_listed"])
        hashed = self.count(coverage["files_hashed_again"])
        items = [
            self.say(
                (
                    f"对象：{kind[0]}，{scope['id']}，共 {assets} 项。",
                    f"Subject: {kind[1]}, {scope['id']}; assets: {assets}.",
                )
            ),
            self.say(
                (
                    f"事实、要约、授权与退款逐项核对，不抽样；交付取最新 {listed} 项；"
                    f"文件自最新版本起重新计算散列，共 {hashed} 个。",
                    "Facts, offers, grants and refunds are all looked at, without sampling; of the deliveries the "
                    f"newest: {listed}; files are hashed again from the newest version on: {hashed}.",
                )
            ),
            self.facts["method"]["text"][self.language],
        ]
        return self.section("scope", ("范围、方法与样本", "Scope, method, samples"), "", {"sentences": items})

    def assets(self) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = []
        for each in self.facts["assets"]:
            blocks.append({"heading": each["asset"], "sentences": self.about(each)})
            blocks += [self.version(each, version) for version in each["versions"]]
        return self.section("assets", ("数据资产、版本与文件", "Assets, versions, files"), "", *blocks)

    def about(self, each: Facts) -> list[str]:
        licensor = each["licensor"]
        name = (licensor["name"] or {}).get(self.language) or self.say(
            ("个人，姓名从略", "a person, not named here")
        )
        public: Words = (
            ("公益数据：永久免费", "of public interest: free for good")
            if each["public_interest"]
            else ("非公益数据", "not of public interest")
        )
        form = self.say(FORMS[each["form"]])
        items = [
            self.say(
                (
                    f"UUID {each['id']}；形态：{form}；{public[0]}。",
                    f"UUID {each['id']}; form: {form}; {public[1]}.",
                )
            ),
            self.say((f"授权方：{name}（{licensor['id']}）。", f"Licensor: {name} ({licensor['id']}).")),
        ]
        if edition := each["edition"]:
            sources = ", ".join(edition["sources"])
            free_for = [pick(AUDIENCES[word], self.language) for word in edition["free_for"]]
            at = self.moment(edition["declared_at"])
            items.append(
                self.say(
                    (
                        f"整理本，{at} 声明；来源：{sources}；免费对象：{'、'.join(free_for)}。",
                        f"Edition, declared {at}; sources: {sources}; free for {' and '.join(free_for)}.",
                    )
                )
            )
        return items

    def version(self, each: Facts, version: Facts) -> dict[str, Any]:
        number, records = version["version"], self.count(version["records"])
        at, entry = self.moment(version["published_at"]), self.entry(version["entry"])["text"]
        title = version["title"].get(self.language) or next(iter(version["title"].values()), "")
        states: dict[Any, Words] = {
            True: ("一致", "as published"),
            False: ("不一致", "differs"),
            None: ("未核", "not hashed"),
        }
        rows = [
            [
                [self.line(file["name"]), self.line(self.say(states[file["as_published"]]), "small")],
                [self.line(self.count(file["bytes"]), "number")],
                [self.line(file["sha256"], "mono")],
            ]
            for file in version["files"]
        ]
        columns = self.columns((("文件", "File"), 1), (("字节", "Bytes"), 0), (("SHA-256", "SHA-256"), 0))
        return {
            **self.table(columns, rows),
            "heading": self.say((f"第 {number} 版：{title}", f"Version {number}: {title}")),
            "sentences": [
                self.say(
                    (
                        f"{at} 发布，登记条目 {entry}，记录 {records} 条。",
                        f"Published {at}, entry {entry}, records: {records}.",
                    )
                ),
                f"{version['rights']}",
                f"UUID {version['id']}",
                self.say(
                    (f"文件集散列 {version['files_sha256']}", f"Hash of the set {version['files_sha256']}")
                ),
            ],
        }

    def history(self) -> dict[str, Any]:
        rows = [
            [[self.entry(each["entry"])], [self.line(self.moment(each["at"]), "time")], self.told(each)]
            for each in self.facts["history"]
        ]
        columns = self.columns(
            (("条目", "Entry"), 0), (("时间（上海）", "Time (Shanghai)"), 0), (("事实", "Fact"), 1)
        )
        return self.section("history", ("事实", "Facts"), self.proved(), self.table(columns, rows))

    def told(self, fact: Facts) -> Cell:
        lines = [self.line(self.headline(fact), "strong")]
        if self.is_shop or fact["kind"].startswith("asset."):
            lines.append(self.line(fact["asset"], "mono"))
        names: list[tuple[str, Words]] = [
            ("offer", ("要约", "offer")),
            ("licensee", COMMITMENT),
            ("terms", ("条款", "terms")),
            ("files_sha256", ("文件集", "files")),
        ]
        for key, words in names:
            if fact.get(key) and fact[key] != "everybody":
                lines.append(self.line(f"{self.say(words)} {fact[key]}", "mono"))
        return lines

    def headline(self, fact: Facts) -> str:
        event, colon = self.say(EVENTS[fact["kind"]]), self.say(("：", ": "))
        comma = self.say(("，", ", "))
        match fact["kind"]:
            case "version.published":
                return self.say((f"发布第 {fact['version']} 版", f"Version {fact['version']} published"))
            case "offer.published":
                version = self.say((f"第 {fact['version']} 版", f"version {fact['version']}"))
                return f"{event}{colon}{self.price(fact)}{comma}{version}"
            case "offer.ended":
                return f"{event}{colon}{self.say(ENDS[fact['reason']])}"
            case "grant.issued":
                basis = self.say(BASES[fact["basis"]])
                purpose = comma + self.say(PURPOSE_NAMES[fact["purpose"]]) if fact["purpose"] else ""
                return f"{event} {fact['grant']}{colon}{basis}{purpose}"
            case "grant.revoked":
                return f"{event} {fact['grant']}"
        return event

    def deliveries(self) -> dict[str, Any]:
        found = self.facts["deliveries"]
        rows = [
            [
                [self.entry(each["entry"])],
                [self.line(self.moment(each["at"]), "time")],
                [
                    self.line(
                        self.say(
                            (f"{each['file']}，依 {each['grant']}", f"{each['file']}, under {each['grant']}")
                        )
                    ),
                    self.line(
                        self.say((f"{self.count(each['bytes'])} 字节", f"{self.count(each['bytes'])} bytes")),
                        "small",
                    ),
                    self.line(f"SHA-256 {each['sha256']}", "mono"),
                    self.line(self.say(("交付", "delivery")) + f" {each['id']}", "mono"),
                ],
            ]
            for each in found["listed"]
        ]
        columns = self.columns(
            (("条目", "Entry"), 0), (("时间（上海）", "Time (Shanghai)"), 0), (("交付", "Delivery"), 1)
        )
        listed, count = self.count(len(found["listed"])), self.count(found["count"])
        note = self.say(
            (f"共 {count} 项，列出最新 {listed} 项。", f"{count} in all; the newest {listed} are listed.")
        )
        return self.section(
            "deliveries", ("交付", "Deliveries"), note, self.table(columns, rows, ("无交付。", "None."))
        )

    def sales(self) -> dict[str, Any]:
        found = self.facts["sales"]

        def amount(each: Facts, name: str) -> Cell:
            return [self.line(self.money(each[f"{name}_minor_units"], each["currency"]), "number")]

        sums = [
            [
                [self.line(each["currency"])],
                [self.line(self.count(each["lines"]), "number")],
                amount(each, "gross"),
                amount(each, "refunded"),
                amount(each, "refund_under_way"),
            ]
            for each in found["by_currency"]
        ]
        columns = self.columns(
            (("币种", "Currency"), 1),
            (("已付订单行", "Lines paid"), 1),
            (("收款", "Gross"), 1),
            (("已退", "Refunded"), 1),
            (("退款中", "Refund under way"), 1),
        )
        blocks = [self.table(columns, sums, ("无收款。", "Nothing was paid."))]
        if found["refunds"]:
            blocks.append(self.refunds(found["refunds"]))
        note = self.say(("出自账簿，不在登记簿上。", "From the journal, not on the ledger."))
        return self.section("sales", ("收款与退款", "Sales and refunds"), note, *blocks)

    def refunds(self, found: Iterable[Facts]) -> dict[str, Any]:
        rows = [
            [
                [self.line(each["refund"], "mono"), self.line(self.say(REFUNDS[each["reason"]]), "small")],
                [self.line(self.moment(each["requested_at"]), "time")],
                [
                    self.line(
                        self.moment(each["settled_at"])
                        if each["settled_at"]
                        else self.say(("未到账", "under way")),
                        "time",
                    )
                ],
                [self.line(self.money(each["amount_minor_units"], each["currency"]), "number")],
            ]
            for each in found
        ]
        columns = self.columns(
            (("退款", "Refund"), 1),
            (("提出", "Requested"), 0),
            (("到账", "Settled"), 0),
            (("金额", "Amount"), 0),
        )
        return self.table(columns, rows)

    # Small things

    def say(self, words: Words) -> str:
        return pick(words, self.language)

    def line(self, text: str, look: str = "", entry: Any = None) -> Line:
        return {"text": text, "look": look, "entry": entry}

    def entry(self, entry: Any) -> Line:
        if entry is None:
            return self.line("—")
        if entry == "pending":
            return self.line(self.say(("待编号", "pending")))
        return self.line(f"#{self.count(entry)}", "mono", entry)

    def columns(self, *named: tuple[Words, int]) -> list[dict[str, Any]]:
        return [{"word": self.say(words), "width": width} for words, width in named]

    def table(
        self, columns: Sequence[Facts], rows: Sequence[Sequence[Cell]], empty: Words = ("无。", "None.")
    ) -> dict[str, Any]:
        assert all(len(row) == len(columns) for row in rows), "a row has a cell for each column"
        return {"columns": columns, "rows": rows} if rows else {"sentences": [self.say(empty)]}

    def section(self, name: str, heading: Words, note: str, *blocks: Facts) -> dict[str, Any]:
        return {"id": name, "heading": self.say(heading), "note": note, "blocks": list(blocks)}

    def proved(self) -> str:
        return self.say(
            (
                "报告包内附每项条目的原文与存在证明。待编号：尚未编号；—：不另立条目。",
                "The bundle holds each entry's bytes and inclusion proof. Pending: not numbered yet; —: has no entry.",
            )
        )

    def count(self, number: int) -> str:
        return f"{number:,}"

    def price(self, what: Facts) -> str:
        if not what["price_minor_units"]:
            return self.say(("免费", "free"))
        return self.money(what["price_minor_units"], what["currency"])

    def money(self, minor_units: int, currency: str) -> str:
        return display(Money(minor_units, currency), self.language)

    def moment(self, at: str) -> str:
        """Return a time as tables have it: in Shanghai, to the microsecond where it has any."""
        return datetime.fromisoformat(at).astimezone(HOUSE_TIME).isoformat(sep=" ").removesuffix("+08:00")

    def moment_words(self, at: str) -> str:
        when = datetime.fromisoformat(at).astimezone(HOUSE_TIME)
        return self.say(
            (
                f"{when.year}年{when.month}月{when.day}日 {when:%H:%M:%S}（上海）",
                f"{when.day} {MONTHS[when.month - 1]} {when.year}, {when:%H:%M:%S} (Shanghai)",
            )
        )
