"""The words that terms are made of, in both languages: one table for deeds, pages and certificates.

A phrase fits behind "You may", "You must" or "You may not", and behind 可以, 须 or 不得; so a clause and its
opposite share one phrase.
"""

from enum import StrEnum
from functools import lru_cache

from babel import Locale

CHINESE, ENGLISH = "zh-Hans", "en"


class Action(StrEnum):
    """What can be done with data. None of them implies another."""

    VIEW = "view"
    DOWNLOAD = "download"
    REPRODUCE = "reproduce"
    ADAPT = "adapt"
    REDISTRIBUTE = "redistribute"
    PERFORM = "perform"
    COMMERCIAL_USE = "commercial_use"
    TEXT_DATA_MINING = "text_data_mining"
    TRAIN_AI = "train_ai"
    TRAIN_GENERATIVE_AI = "train_generative_ai"
    AI_INFERENCE = "ai_inference"
    GRANT_USE = "grant_use"


# The six words of the catalogue format, and the actions that each stands for.
USES: dict[str, frozenset[Action]] = {
    "read": frozenset({Action.VIEW, Action.DOWNLOAD}),
    "analyse": frozenset({Action.TEXT_DATA_MINING}),
    "adapt": frozenset({Action.REPRODUCE, Action.ADAPT}),
    "redistribute": frozenset({Action.REDISTRIBUTE, Action.PERFORM}),
    "commercial": frozenset({Action.COMMERCIAL_USE}),
    "machine_learning": frozenset({Action.TRAIN_AI, Action.TRAIN_GENERATIVE_AI, Action.AI_INFERENCE}),
}

# What a licensee wants the data for, and the actions that it takes. `other` asks for reading alone.
PURPOSES: dict[str, frozenset[Action]] = {
    "study_teach": frozenset({Action.VIEW, Action.DOWNLOAD}),
    "publish": frozenset({Action.DOWNLOAD, Action.REPRODUCE, Action.REDISTRIBUTE, Action.COMMERCIAL_USE}),
    "product": frozenset(
        {Action.DOWNLOAD, Action.REPRODUCE, Action.ADAPT, Action.REDISTRIBUTE, Action.COMMERCIAL_USE}
    ),
    "train_model": frozenset({Action.DOWNLOAD, Action.TRAIN_AI, Action.TRAIN_GENERATIVE_AI}),
    "other": frozenset({Action.VIEW, Action.DOWNLOAD}),
}

PURPOSE_NAMES = {
    "study_teach": ("阅读与教学", "Reading and teaching"),
    "publish": ("出版发行", "Publishing"),
    "product": ("产品与游戏", "Products and games"),
    "train_model": ("模型训练", "Training a model"),
    "other": ("其他用途", "Something else"),
}

AUDIENCES = {
    "education": (
        "教育机构（学校、高等院校及其师生）",
        "an educational institution (school or university, its teachers and students)",
    ),
    "public_culture": (
        "公共文化机构（公共图书馆、博物馆、档案馆、文化馆）",
        "a public cultural institution (public library, museum, archive or cultural centre)",
    ),
}

TEMPLATE_NAMES = {
    "public_access": ("公共开放", "Public access"),
    "research_education": ("研究教育", "Research and education"),
    "commercial_development": ("商用开发", "Commercial development"),
}

# Behind 可以 / 不得 and "You may" / "You may not": first a whole word of the catalogue, then single actions.
USE_PHRASES: dict[str, tuple[str, str]] = {
    "read": ("阅览、下载或保存数据", "read, download or keep the data"),
    "analyse": ("用程序分析和挖掘数据", "analyse the data by computer (text and data mining)"),
    "adapt": ("复制、改编、翻译或加工", "copy, adapt, translate or rework it"),
    "redistribute": (
        "向他人传播，或公开展示、放映、播出",
        "pass it on, or show, perform or broadcast it in public",
    ),
    "commercial": ("用于商业目的", "use it commercially"),
    "machine_learning": (
        "用于训练人工智能模型（含生成式），或作为模型的输入",
        "train AI models with it, generative ones included, or feed it to a model",
    ),
}
ACTION_PHRASES: dict[Action, tuple[str, str]] = {
    Action.VIEW: ("阅览数据", "read the data"),
    Action.DOWNLOAD: ("下载或保存数据", "download or keep the data"),
    Action.REPRODUCE: ("复制", "copy it"),
    Action.ADAPT: ("改编、翻译或加工", "adapt, translate or rework it"),
    Action.REDISTRIBUTE: ("向他人传播", "pass it on to others"),
    Action.PERFORM: ("公开展示、放映或播出", "show, perform or broadcast it in public"),
    Action.TRAIN_AI: (
        "用于训练人工智能模型（生成式除外）",
        "train AI models with it, other than generative ones",
    ),
    Action.TRAIN_GENERATIVE_AI: ("用于训练生成式人工智能模型", "train generative AI models with it"),
    Action.AI_INFERENCE: ("作为人工智能模型的输入", "feed it to an AI model as input"),
    Action.GRANT_USE: (
        "把本授权转授他人（材料自身的开放许可不受影响）",
        "license this grant on to others (an open licence of the material itself stays as it is)",
    ),
}

# Behind 须 and "You must".
DUTY_PHRASES = {
    "attribute": ("按数据页所列署名方式注明来源", "give the credit line that stands with the data"),
    "state_changes": ("注明所作的改动", "say what you changed"),
    "keep_licence_notice": ("随每份副本保留原许可声明", "keep the licence notice with every copy"),
    "share_alike": ("以相同条款授权改编成果", "license your adaptations under the same terms"),
    "report_use": ("在使用后一年内告知授权方用途", "tell the licensor within a year what you used it for"),
    "deposit_copy": ("向授权方交存一份成果", "deposit one copy of the result with the licensor"),
}

# Behind 不得 and "You may not", beside the actions themselves.
PROHIBITION_PHRASES = {
    "technical_protection": (
        "以技术措施限制他人行使许可所给的权利",
        "restrict by technical measures what the licence lets others do",
    ),
    "endorsement": ("暗示授权方认可你的使用", "suggest that the licensor endorses your use"),
    "reidentification": ("试图识别数据中未具名的个人", "try to identify persons whom the data does not name"),
    "claim_exclusivity": ("对数据主张独占权利", "claim exclusive rights in the data"),
}

# The mainland, Hong Kong, Macao and Taiwan are listed separately, so "CN" never silently means all four.
TERRITORY_NAMES = {
    "CN": ("中国内地", "mainland China"),
    "HK": ("中国香港", "Hong Kong, China"),
    "MO": ("中国澳门", "Macao, China"),
    "TW": ("中国台湾", "Taiwan, China"),
}


def pick(pair: tuple[str, str], language: str) -> str:
    """Return the Chinese or the English of a pair; every code that begins with zh is Chinese."""
    return pair[0] if language[:2] == "zh" else pair[1]


@lru_cache(maxsize=4)
def _territories(language: str) -> dict[str, str]:
    locale = Locale.parse("zh_Hans_CN" if language == "zh" else "en_GB")
    return {code: name for code, name in locale.territories.items() if len(code) == 2 and code.isalpha()}


def is_territory(code: str) -> bool:
    """Tell whether this is an ISO 3166 code; CLDR's own (EU, UN, ZZ and the like) are none."""
    return code in _territories("en") and code not in {"EU", "EZ", "UN", "XA", "XB", "XK", "ZZ", "QO"}


def territory_name(code: str, language: str) -> str:
    """Return a territory's name in a language."""
    if code in TERRITORY_NAMES:
        return pick(TERRITORY_NAMES[code], language)
    return _territories(language[:2])[code]
