"""Rules about what nobody should publish: personal data, and keys that open something."""

import re
from collections.abc import Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.rules.walk import texts
from tax.source import Loc

_LONG_NUMBER = re.compile(r"[0-9][0-9 -]{8}")  # which every card has, and every IBAN
_EMAIL = re.compile(
    r"(?<![\w.+-])([A-Za-z0-9][A-Za-z0-9._+-]{0,63})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24})"
    r"(?![\w@-])"
)
_RESERVED = re.compile(
    r"(?:.*\.)?example\.(?:com|org|net)|.*\.(?:example|invalid|test|localhost|local|internal|service)", re.IGNORECASE
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
_SECRET_HEADS = ("PRIVATE KEY", "ghp_", "github_pat_", "sk-", "AKIA", "xox", "AIza", "eyJ")
_SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY"
    r"|(?<!\w)(?:ghp_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}"
    r"|sk-(?=[A-Za-z_-]{0,40}\d)[A-Za-z0-9_-]{32,}"
    r"|AKIA[0-9A-Z]{16}(?<!EXAMPLE)|xox[baprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})(?!\w)"
)


@rule("personal-data", Level.WARNING, older=Level.WARNING)
def no_personal_data(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text gives an e-mail address, the number of a payment card or of a bank account (IBAN) that may be real.

    What a leaf says is published, and a model that is trained on it may say it to anybody. Addresses at example.com,
    example.org, .example, .invalid and .test belong to nobody; numbers are checked by their check digits.

    Passes:
        seed_examples:
          - {question: Whom do I ask?, answer: Write to marina@example.org.}

    Fails:
        seed_examples:
          - {question: Whom do I ask?, answer: Write to marina@tidesmail.de.}
    """
    for loc, text in _distinct(leaf):
        if "@" in text:
            for match in _EMAIL.finditer(text):
                if not _RESERVED.fullmatch(match[2]) and match[1] != "git":  # git@ is the name of an account for all
                    message = f"the e-mail address {excerpt(match[0])} may be a real person's"
                    yield Finding(loc, message, f"write {excerpt(match[1], 30)}@example.org, or delete it")
                    break
        if _LONG_NUMBER.search(text):
            if any(_is_card(match[0]) for match in _CARD.finditer(text)):
                message = "this text holds what may be the number of a real payment card"
                yield Finding(loc, message, "write 4111 1111 1111 1111, which is nobody's")
            if any(_is_iban(match[0]) for match in _IBAN.finditer(text)):
                message = "this text holds what may be the number of a real bank account (IBAN)"
                yield Finding(loc, message, "write GB82 WEST 1234 5698 7654 32, which is nobody's")


@rule("secret", Level.WARNING, older=Level.WARNING)
def no_secret(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text holds a private key or an access token. One that was published has to be revoked, not only deleted.

    Passes:
        seed_examples:
          - {question: How does a GitHub token start?, answer: With ghp_ and then letters and digits.}

    Fails:
        seed_examples:
          - {question: How does a private key start?, answer: "With -----BEGIN PRIVATE KEY-----"}
    """
    for loc, text in _distinct(leaf):
        if any(head in text for head in _SECRET_HEADS):
            match = _SECRET.search(text)
            if match:
                message = f"this text holds what may be a real key or token, {excerpt(match[0][:8])}…"
                yield Finding(loc, message, "delete it here, and revoke it where it was made, if it is real")


def _distinct(leaf: Loaded) -> Iterator[tuple[Loc, str]]:
    """Yield each text once: aliases may repeat a long one very often."""
    seen = set()
    for loc, text in texts(leaf):
        if text not in seen:
            seen.add(text)
            yield loc, text


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
