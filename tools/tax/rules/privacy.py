"""Rules about what nobody should publish: personal data, and keys that open something."""

from collections.abc import Callable, Iterator

from tax.config import Config
from tax.load import Loaded
from tax.problems import Level, excerpt
from tax.rules.rule import Finding, rule
from tax.rules.walk import about, texts
from tax.source import Loc
from tax.text import privacy

MOST_NUMBERED = 100  # texts of a leaf that are looked through for phone numbers, which takes long


@rule("personal-data", Level.WARNING, older=Level.WARNING)
def no_personal_data(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text gives an e-mail address, a phone number, a payment card or a bank account (IBAN) that may be real.

    What a leaf says is published, and a model that is trained on it may say it to anybody. Addresses at example.com,
    example.org, .example, .invalid and .test belong to nobody, and those such as info@ or support@ to an office; phone
    numbers are checked against the numbering plans of their countries, other numbers by their check digits.

    Passes:
        seed_examples:
          - {question: Whom do I ask?, answer: Write to marina@example.org.}

    Fails:
        seed_examples:
          - {question: Whom do I ask?, answer: Write to marina@tidesmail.de.}
    """
    language = leaf.data.get("language")
    tag = language if isinstance(language, str) else "en"
    numbered = 0
    for loc, text in _distinct(leaf, lambda text: "@" in text or privacy.has_number(text)):
        email = next(privacy.emails(text), None)
        if email:
            message = f"the e-mail address {excerpt(email)} may be a real person's"
            yield Finding(loc, message, _without_address(loc, email))
        if not privacy.has_number(text):
            continue
        if any(privacy.cards(text)):
            message = "this text holds what may be the number of a real payment card"
            yield Finding(loc, message, "write 4111 1111 1111 1111, which is nobody's")
        if any(privacy.ibans(text)):
            message = "this text holds what may be the number of a real bank account (IBAN)"
            yield Finding(loc, message, "write GB82 WEST 1234 5698 7654 32, which is nobody's")
        numbered += 1
        phone = next(privacy.phone_numbers(text, tag), None) if numbered <= MOST_NUMBERED else None
        if phone:
            message = f"the phone number {excerpt(phone)} may be a real person's"
            yield Finding(loc, message, "write +1 202 555 0143, which is nobody's, or delete it")


@rule("secret", Level.WARNING, older=Level.WARNING)
def no_secret(leaf: Loaded, config: Config) -> Iterator[Finding]:
    """No text holds a private key or an access token. One that was published has to be revoked, not only deleted.

    Passes:
        seed_examples:
          - {question: How does a private key start?, answer: "With -----BEGIN PRIVATE KEY-----"}

    Fails:
        seed_examples:
          - question: Show me a private key.
            answer: "-----BEGIN PRIVATE KEY-----\\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8"
    """
    for loc, text in _distinct(leaf, privacy.has_token):
        secret = next(privacy.secrets(text), None)
        if secret:
            message = f"this text holds what may be a real key or token, {excerpt(secret[:8])}…"
            yield Finding(loc, message, "delete it here, and revoke it where it was made, if it is real")


def _without_address(loc: Loc, email: str) -> str:
    if loc == ("created_by",):
        return "write your name on GitHub"
    if "authors" in loc:
        return "write the name alone"
    return f"write {excerpt(email.partition('@')[0], 30)}@example.org, or delete it"


def _distinct(leaf: Loaded, suspicious: Callable[[str], bool]) -> Iterator[tuple[Loc, str]]:
    """Yield the texts that need a close look, each once: aliases may repeat a long one very often."""
    if not suspicious(leaf.source.text):
        return
    seen = set()
    for loc, text in [*texts(leaf), *about(leaf)]:
        if text not in seen and suspicious(text):
            seen.add(text)
            yield loc, text
