"""The hosted pay page: what is to be paid, that no money moves, and a button for what a payer may do."""

from html import escape
from pathlib import Path
from string import Template

from . import objects
from .store import Row

PAGE = Template(Path(__file__).with_name("pay.html").read_text("utf-8"))
BUTTONS = {  # outcome: Chinese, English
    "pay": ("支付", "Pay"),
    "decline": ("拒付", "Decline the card"),
    "later": ("支付，款项稍后到账", "Pay; the money arrives later"),
    "later-fail": ("支付，款项最终未到账", "Pay; the money never arrives"),
}


def render(session: Row, *, declined: bool = False) -> str:
    """Return the page of a checkout session: the form while it is open, a sentence after."""
    back = _back(session["cancel_url"]) if session["cancel_url"] else ""
    if session["status"] == "open":
        title, body = _both("支付", "Pay"), _form(session, declined=declined) + back
    elif session["status"] == "complete":
        paid = session["payment_status"] == "paid"
        title = _both("已支付", "Paid") if paid else _both("款项在途", "The money is on its way")
        body = _back(success_url(session))
    else:
        title, body = _both("支付时限已过", "The time to pay is over"), back
    english = (session["locale"] or "").startswith("en")
    reference = escape(session["client_reference_id"] or session["id"])
    return PAGE.substitute(
        language="en" if english else "zh-Hans", title=title, body=body, reference=reference
    )


def success_url(session: Row) -> str:
    """Return where the payer goes after paying."""
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _form(session: Row, *, declined: bool) -> str:
    rows = [(escape(line["description"]), line["amount_total"]) for line in session["line_items"]["data"]]
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{objects.decimal(amount, session["currency"])}</td></tr>'
        for name, amount in rows
    )
    total = objects.decimal(session["amount_total"], session["currency"])
    foot = f'<tr><th scope="row">{_both("合计", "Total")}</th><td>{total}</td></tr>'
    buttons = "".join(
        f'<button name="outcome" value="{outcome}"{" class=main" if outcome == "pay" else ""}>'
        f"{_both(*words)}{' ' + total if outcome == 'pay' else ''}</button>"
        for outcome, words in BUTTONS.items()
    )
    said = _both(
        "付款未成功，卡被拒。订单仍在，可以再试。", "The payment was declined. The order stands; try again."
    )
    note = f'<p class="note" role="alert">{said}</p>' if declined else ""
    table = f"<table><tbody>{cells}</tbody><tfoot>{foot}</tfoot></table>"
    return f'{table}{note}<form method="post">{buttons}</form><p></p>'


def _back(url: str) -> str:
    return f'<a class="back" href="{escape(url)}">{_both("返回文市", "Back to Wenshi")}</a>'


def _both(chinese: str, english: str) -> str:
    return f'<span lang="zh-Hans">{chinese}</span> <span lang="en">{english}</span>'
