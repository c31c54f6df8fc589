"""What nobody should publish: what is found, and what is known to be nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tax.text import privacy


@pytest.mark.parametrize(
    ("text", "tag", "found"),
    [
        ("call 212-736-5000 now", "en", "212-736-5000"),
        ("(212) 736-5000", "en", "(212) 736-5000"),
        ("+34 93 194 43 55", "en", "+34 93 194 43 55"),
        ("+44 20 7219 3000", "en", "+44 20 7219 3000"),
        ("020 7219 3000", "en-GB", "020 7219 3000"),
        ("請撥02-2348-2999洽詢", "zh-Hant-TW", "02-2348-2999"),
        ("手機0937-216-889", "zh-Hant", "0937-216-889"),
        ("手機0937216889。", "zh-TW", "0937216889"),
        ("030 2270 1234", "de", "030 2270 1234"),
        ("+886 2 2311 3731", "ja", "+886 2 2311 3731"),
    ],
)
def test_phone_numbers(text, tag, found):
    assert privacy.has_number(text)
    assert list(privacy.phone_numbers(text, tag)) == [found]


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("+1 202-555-0143, 1-800-777-0133, 123-456-7890, 555-1234", "en"),
        ("+44 20 7946 0958, +44 7700 900123", "en"),
        ("0912-345-678, 0900-000-000, 02-5555-0171", "zh-Hant-TW"),
        ("2127365000, 8589869056, 1 000 000 000, 2026-11-21 2026-11-22, 192.168.100.200", "en"),
        ("ISBN 978-0-306-40615-7, 3.14159265358979, 4012-8888-1234, 212-736-5000-1, x=212-736-5000", "en"),
        ("212-736-5000", "tlh"),
        ("統編 04595257，民國113年11月21日", "zh-Hant-TW"),
        ("", ""),
    ],
)
def test_numbers_that_are_nobody_s_phone(text, tag):
    assert list(privacy.phone_numbers(text, tag)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ask jo.k@tidesmail.de.", ["jo.k@tidesmail.de"]),
        ("info@tidesmail.de, no-reply@a.com, security-reporting@a.org, support2@a.org", []),
        ("informant@tidesmail.de", ["informant@tidesmail.de"]),
        ("a@b.example, c@example.com, d@sub.example.org, e@f.test, uid@www.a.cz, git@github.com:a/b", []),
    ],
)
def test_emails(text, found):
    assert list(privacy.emails(text)) == found


TOKENS = [
    *("ghp_" + "a1B2" * 9, "gho_" + "a1B2" * 9, "github_pat_" + "a1B2_" * 12, "glpat-" + "a1B2-" * 4),
    *("sk-proj-" + "a1B2c3" * 7, "sk_live_" + "a1B2" * 6, "rk_test_" + "a1B2" * 6, "AKIA" + "A1B2" * 4),
    *("ASIA" + "Q7RS" * 4, "AIza" + "a1B2c" * 7, "hf_" + "abCDe" * 6 + "abCD", "npm_" + "a1B2" * 9),
    *("xoxb-123456789012-1234567890123-" + "a1B2" * 6, "https://hooks.slack.com/services/T" + "a1B2/" * 9),
    *(
        "pypi-AgEIcHlwaS5vcmc" + "a1B2-" * 11,
        "SG." + "a" * 22 + "." + "b" * 43,
        "eyJhbGciOiJI.eyJzdWIiOiIx.abcdefghijk",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----\n" + "MIIB" * 12,
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENC\n\n" + "MIIB" * 12,
    ),
]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:12])
def test_secrets(token):
    assert privacy.has_token(f"Use {token} here.")
    assert len(list(privacy.secrets(f"Use {token} here."))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "sk-learn-is-the-short-name-of-a-well-known-library",
        "ghp_x",
    ]
    + [
        "a task_description is no key",
        "hf_" + "a" * 20,
        "npm_install_all_packages",
        "-----BEGIN PUBLIC KEY-----\n" + "MIIB" * 12,
    ],
)
def test_texts_that_hold_no_secret(text):
    assert list(privacy.secrets(text)) == []


@given(st.text(alphabet="0123456789 ()+-.\n@aA", max_size=60))
def test_the_quick_look_misses_nothing(text):
    found = [*privacy.phone_numbers(text), *privacy.cards(text), *privacy.ibans(text)]
    assert privacy.has_number(text) or not found
