"""What nobody should publish: e-mail addresses, phone numbers, cards, bank accounts, and keys that open something.

Each finder is one fast scan, and what it finds is checked: numbers by their check digits, phone numbers by the library
phonenumbers (Google's libphonenumber), which is loaded where a text has what looks like one. What is known to be
nobody's is left out. The patterns of keys and tokens follow those of gitleaks (github.com/gitleaks/gitleaks, in
config/gitleaks.toml). Names and postal addresses are not looked for.
"""

import re
from collections.abc import Iterator
from itertools import islice

_EMAIL = re.compile(
    r"(?<![\w.+-])([A-Za-z0-9][A-Za-z0-9._+-]{0,63})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24})"
    r"(?![\w@-])"
)
# Hosts that belong to nobody (RFC 2606 and 6761), or that take no mail
_NO_HOST = re.compile(
    r"(?:.*\.)?example\.(?:com|org|net)|.*\.(?:example|invalid|test|localhost|local|internal|service)|www\..*",
    re.IGNORECASE,
)
# Mailboxes of an office and not of a person (RFC 2142), and the account that Git servers share
_OFFICE = re.compile(
    r"(?:info|marketing|sales|support|help|contact|office|press|jobs|hr|billing|abuse|noc|security|postmaster|hostmaster"
    r"|webmaster|admin|root|service|customerservice|feedback|news|newsletter|no-?reply|donotreply|git)(?:[._-].*|\d*)",
    re.IGNORECASE,
)

_CARD = re.compile(
    r"(?<![\w.,-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|[.,]\d)"
)
# The issuers' first digits and lengths (ISO/IEC 7812; Visa, Mastercard, American Express, Discover, UnionPay, Diners)
_ISSUED = re.compile(r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|6\d{15,18}|3[068]\d{12}")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
# Numbers that banks publish as specimens
_SPECIMENS = set(
    "4111111111111111 4242424242424242 4012888888881881 5555555555554444 5105105105105100 378282246310005 "
    "371449635398431 6011111111111117 GB82WEST12345698765432 GB29NWBK60161331926819 DE89370400440532013000".split()
)

# 8 to 15 digits: after + or 0 or in brackets, or in groups
_PHONE = re.compile(
    r"(?<![A-Za-z0-9_.,:/=+-])(?:\(?\+\d|\(?0|\(\d|\d{1,4}[ .-])(?:[ ().-]{0,2}\d){7,14}"
    r"(?![A-Za-z0-9_/:=%]|[-.,]\d|[ ]?[-+*/×÷=][ ]?\d)"
)
# What looks like one and is none: an address of a private network (RFC 1918), a range of decimals such as 88.29-99.59
_NO_PHONE = re.compile(
    r"(?:10\.[0-9]{1,3}|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))(?:\.[0-9]{1,3}){2}|\(?[0-9]{1,3}\.[0-9]+-[0-9]{1,3}\.[0-9]+"
)
# Kept for films and examples (555-0100 to 0199 in North America, and borrowed elsewhere; Ofcom's list for Britain), or
# plainly made up
_NOBODYS_PHONE = re.compile(
    r"\d*55501\d\d|44(?:1\d\d4960|1632960|2079460|7700900|8081570|9098790|3069990)\d{3}|\d*(\d)\1{5}\d*"
    r"|\d*(?:123456|234567|345678|456789|987654|876543|765432)\d*"
)
# Where a number without a country's prefix is taken to be from, by the language of its text
_HOMES = {"en": "US", "de": "DE", "fr": "FR", "it": "IT", "es": "ES", "nl": "NL", "pl": "PL", "ja": "JP", "ko": "KR"}

# A quick look: a secret starts with one of these, and few other words hold one
_SECRET_HEADS = (
    *("PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "k_live_", "k_test_"),
    *(
        "k_prod_",
        "AKIA",
        "ASIA",
        "ABIA",
        "ACCA",
        "xox",
        "hooks.slack.com/",
        "AIza",
        "eyJ",
        "hf_",
        "npm_",
        "pypi-",
        "SG.",
    ),
)
_SECRET = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*(?:[\w-]+:[^\n]{0,80}\s+){0,4}[A-Za-z0-9+/=\s]{40}"
    r"|(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20}"
    r"|sk-(?=[A-Za-z_-]{0,40}\d)[A-Za-z0-9_-]{32,}|[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,99}"
    r"|A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?<!EXAMPLE)|xox[abeprs]-(?:\d+-){1,3}[A-Za-z0-9-]{10,}"
    r"|hooks\.slack\.com/services/T[A-Za-z0-9+/]{40,}|AIza[0-9A-Za-z_-]{35}|hf_[A-Za-z]{34}|npm_[A-Za-z0-9]{36}"
    r"|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})(?!\w)"
)
# For a quick look, ten times as fast as a pattern: what matters about each byte of a text, and what is left out
_DIGITS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord("x") for byte in range(256))
_BETWEEN_DIGITS = b" \t\r\n().+-"
_TOKENS = bytes(
    ord("x") if byte < 128 and (chr(byte).isalnum() or byte in b"_-.+/") else ord(" ") for byte in range(256)
)


def has_number(text: str) -> bool:
    """Tell whether a text has 8 digits in a row, separators between them or not, as all numbers looked for have."""
    return b"00000000" in text.encode("utf-8", "replace").translate(_DIGITS, _BETWEEN_DIGITS)


def has_token(text: str) -> bool:
    """Tell whether a text has a word as long as keys and tokens are."""
    return b"x" * 18 in text.encode("utf-8", "replace").translate(_TOKENS)


def emails(text: str) -> Iterator[str]:
    """Yield the e-mail addresses that may be a person's."""
    for match in _EMAIL.finditer(text) if "@" in text else ():
        if not _NO_HOST.fullmatch(match[2]) and not _OFFICE.fullmatch(match[1]):
            yield match[0]


def phone_numbers(text: str, tag: str = "en", most: int = 100) -> Iterator[str]:
    """Yield the phone numbers that are in use somewhere; free and shared numbers, which are a company's, are not.

    `tag` is the language of the text (BCP 47): it tells from where a number without a country's prefix is. Of what
    looks like a number, the first `most` are looked up: each takes a tenth of a millisecond or more.
    """
    matches = list(dict.fromkeys(match[0] for match in islice(_PHONE.finditer(text), most)))
    matches = [match for match in matches if not _NO_PHONE.fullmatch(match)]
    if not matches:
        return
    import phonenumbers

    kinds = phonenumbers.PhoneNumberType
    personal = {kinds.FIXED_LINE, kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE, kinds.PERSONAL_NUMBER, kinds.VOIP}
    grouped = phonenumbers.Leniency.STRICT_GROUPING
    for match in matches:
        for found in phonenumbers.PhoneNumberMatcher(match, _home(tag), leniency=grouped):
            digits = f"{found.number.country_code}{found.number.national_number}"
            if phonenumbers.number_type(found.number) in personal and not _NOBODYS_PHONE.fullmatch(digits):
                yield found.raw_string


def cards(text: str) -> Iterator[str]:
    """Yield the numbers of payment cards: an issuer's, with the right check digit."""
    return (match[0] for match in _CARD.finditer(text) if _is_card(match[0]))


def ibans(text: str) -> Iterator[str]:
    """Yield the numbers of bank accounts (ISO 13616) with the right check digits."""
    return (match[0] for match in _IBAN.finditer(text) if _is_iban(match[0]))


def secrets(text: str) -> Iterator[str]:
    """Yield private keys and access tokens."""
    if any(head in text for head in _SECRET_HEADS):
        for match in _SECRET.finditer(text):
            yield match[0]


def _home(tag: str) -> str | None:
    language, *rest = tag.split("-")
    region = next((part.upper() for part in rest if len(part) == 2), None)
    if region or language.lower() != "zh":
        return region or _HOMES.get(language.lower())
    return "TW" if "hant" in tag.lower() else "CN"


def _is_card(written: str) -> bool:
    digits = re.sub("[ -]", "", written)
    if digits in _SPECIMENS or len(set(digits)) < 3 or not _ISSUED.fullmatch(digits):
        return False
    # Luhn's check (ISO/IEC 7812-1): every second digit from the right is doubled
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(each // 10 + each % 10 for each in doubled) % 10 == 0


def _is_iban(written: str) -> bool:
    number = written.replace(" ", "")
    if number in _SPECIMENS or not 15 <= len(number) <= 34:
        return False
    return int("".join(str(int(each, 36)) for each in number[4:] + number[:4])) % 97 == 1
