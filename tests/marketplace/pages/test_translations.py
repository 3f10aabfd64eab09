"""Every message for people has its Chinese, complete and with the same placeholders."""

import re
from pathlib import Path

from babel.messages import pofile

from tests.marketplace.pages.messages import ROOT, all_messages, in_code, in_template

PO = Path(ROOT) / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\([a-z_0-9]+\)[sd]|%%")


def chinese() -> dict[tuple[str, str], tuple[str, bool]]:
    """Return each message's Chinese, and whether it is fuzzy."""
    found = {}
    for message in pofile.read_po(PO.open("rb")):
        if message.id:
            first = message.id[0] if isinstance(message.id, tuple | list) else message.id
            said = message.string[0] if isinstance(message.string, tuple | list) else message.string
            found[(message.context or "", first)] = (said, message.fuzzy)
    return found


def test_no_message_is_without_its_chinese():
    held = chinese()
    missing = [m for m in sorted(all_messages()) if not held.get((m[0], m[1]), ("", False))[0]]
    assert missing == []


def test_no_translation_is_fuzzy():
    assert [key for key, (_said, fuzzy) in chinese().items() if fuzzy] == []


def test_no_translation_is_left_over():
    marked = {(context, message) for context, message, _plural in all_messages()}
    assert sorted(set(chinese()) - marked) == []


def test_placeholders_are_the_same_on_both_sides():
    wrong = {
        key[1]: said
        for key, (said, _fuzzy) in chinese().items()
        if set(PLACEHOLDER.findall(key[1])) != set(PLACEHOLDER.findall(said))
    }
    assert wrong == {}


def test_what_ought_to_be_chinese_holds_han_characters():
    names = {"API", "SHA-256", "%", "–", "RFC"}
    bare = [
        key[1]
        for key, (said, _fuzzy) in chinese().items()
        if not re.search(r"[\u3400-\u9fff]", said) and not any(name in said for name in names)
    ]
    assert bare == []


def test_messages_are_found_in_code_and_in_templates():
    assert list(in_code('_("Hello %(name)s") ; ngettext("one", "many", 2)')) == [
        ("", "Hello %(name)s", ""),
        ("", "one", "many"),
    ]
    source = '{% load i18n %}{% translate "May" context "terms" %}{% blocktranslate %}A {{ b }}{% endblocktranslate %}'
    assert set(in_template(source)) == {("terms", "May", ""), ("", "A %(b)s", "")}
