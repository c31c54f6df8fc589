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


def language_name(tag: str) -> str:
    """Return the English name of a language; the tag itself says it where the list does not know it."""
    parts = tag.lower().split("-")
    for end in range(len(parts), 0, -1):
        name = _NAMES.get("-".join(parts[:end]))
        if name:
            return name
    return f"the language with the BCP 47 tag {tag}"
