"""BCP 47 tags to the names that prompts call languages by."""

_NAMES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "pt-br": "Brazilian Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
    "zh-hans": "Simplified Chinese (简体中文)",
    "zh-hant": "Traditional Chinese (繁體中文)",
    "zh-hant-hk": "Traditional Chinese as used in Hong Kong (香港繁體中文)",
    "zh-hant-tw": "Traditional Chinese as used in Taiwan (臺灣正體中文)",
    "zh-tw": "Traditional Chinese as used in Taiwan (臺灣正體中文)",
}


_NAMES_ZH = {
    "ar": "阿拉伯文",
    "bn": "孟加拉文",
    "cs": "捷克文",
    "da": "丹麥文",
    "de": "德文",
    "el": "希臘文",
    "en": "英文",
    "es": "西班牙文",
    "fa": "波斯文",
    "fi": "芬蘭文",
    "fr": "法文",
    "he": "希伯來文",
    "hi": "印地文",
    "hu": "匈牙利文",
    "id": "印尼文",
    "it": "義大利文",
    "ja": "日文",
    "ko": "韓文",
    "nl": "荷蘭文",
    "no": "挪威文",
    "pl": "波蘭文",
    "pt": "葡萄牙文",
    "pt-br": "巴西葡萄牙文",
    "ro": "羅馬尼亞文",
    "ru": "俄文",
    "sv": "瑞典文",
    "th": "泰文",
    "tr": "土耳其文",
    "uk": "烏克蘭文",
    "vi": "越南文",
    "zh": "中文",
    "zh-hans": "簡體中文",
    "zh-hant": "繁體中文",
    "zh-hant-hk": "香港繁體中文",
    "zh-hant-tw": "臺灣正體中文",
    "zh-hk": "香港繁體中文",
    "zh-tw": "臺灣正體中文",
}


def language_name(tag: str, reader: str = "en") -> str:
    """Return the name of a language, in the language of the prompt that names it (`reader`: en or zh-Hant).

    The tag itself says it where the list does not know it.
    """
    chinese = reader.lower().startswith("zh-hant")
    names = _NAMES_ZH if chinese else _NAMES
    parts = tag.lower().split("-")
    for end in range(len(parts), 0, -1):
        name = names.get("-".join(parts[:end]))
        if name:
            return name
    return f"BCP 47 標記為 {tag} 的語言" if chinese else f"the language with the BCP 47 tag {tag}"
