"""What identifies people or opens doors, found by its form and, where it has them, its check digits.

Each pattern is bounded or begins only where no longer match can contain its beginning, so that a text of any kind
takes time in proportion to its length. Digits are ASCII digits.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

from stdnum import luhn
from stdnum.iso7064 import mod_97_10
from stdnum.us import ssn

SECRET = "SECRET"
EMAIL = "EMAIL"
IBAN = "IBAN"
CREDIT_CARD = "CREDIT_CARD"
US_SSN = "US_SSN"
PHONE = "PHONE"
IP_ADDRESS = "IP_ADDRESS"
KINDS = (SECRET, EMAIL, IBAN, CREDIT_CARD, US_SSN, PHONE, IP_ADDRESS)

_HINT = re.compile(r"[0-9@!#$%^*+/=~]|PRIVATE KEY|(?i:bearer|basic)[ \t]")
"""A text without any of these holds nothing that a detector looks for."""

ALL = "[REDACTED]"
_ROUNDS = 5
"""A replacement can lay bare what stood beside it. A text in which that does not end is replaced as a whole."""


class Detector(NamedTuple):
    """Replaces the group `it` of a match, or all of it where there is none, if `holds` agrees."""

    kind: str
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool] | None = None


def redacted(text: str, kinds: frozenset[str]) -> str:
    """The text with each finding of these kinds replaced by its kind in brackets; a fixed point of itself."""
    if not _HINT.search(text):
        return text
    for _ in range(_ROUNDS):
        before = text
        for detector in DETECTORS:
            if detector.kind in kinds:
                text = _replaced(text, detector)
        if text == before:
            return text
    return ALL


def _replaced(text: str, detector: Detector) -> str:
    """Like `re.sub`, but what is refused is searched again from its next character on."""
    mark, group = f"[{detector.kind}]", detector.pattern.groupindex.get("it", 0)
    parts, copied, at = [], 0, 0
    while found := detector.pattern.search(text, at):
        if detector.holds is not None and not detector.holds(found):
            at = found.start() + 1
            continue
        parts += [text[copied : found.start(group)], mark]
        copied = found.end(group)
        at = max(copied, found.start() + 1)
    return "".join([*parts, text[copied:]]) if parts else text


# --- secrets

_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r".*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(?:bearer|basic)[ \t]{1,3}(?P<it>[a-z0-9._~+/=-]{16,}+)")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"(?:sk|rk|pk)[_-](?:live|test|proj|ant|or)?[A-Za-z0-9_-]{20,}+"
    r"|(?:at_|gh[pousr]_|github_pat_|glpat-|hf_|npm_|pypi-|xox[abeoprs]-|dop_v1_|shpat_)[A-Za-z0-9_-]{16,}+"
    r"|(?:AKIA|ASIA|AGPA|AROA|AIDA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|AIza[0-9A-Za-z_-]{35}"
    r"|SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"
    r"|eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?"
    r")"
)
_IN_URL = re.compile(r"://[^\s:@/]{0,64}:(?P<it>[^\s@/]{1,128})@")
_LABELLED_SECRET = re.compile(
    r"(?i)(?<![a-z0-9])(?:[a-z0-9]{1,20}[_-]){0,3}"
    r"(?:password|passwd|passphrase|passwort|kennwort|pwd|secret|api[_-]?key|apikey|token|private[_-]?key"
    r"|secret[_-]?key|access[_-]?key)"
    r"(?:[\"']?[ \t]{0,3}(?::|=|=>)[ \t]{0,3}[\"']?|[ \t]is[ \t]{1,3}[\"']?)"
    r"(?P<it>[^\s\"',;&<>\[\]{}()]{6,200}+)"
)
_LIKE_A_SECRET = re.compile(r"[0-9!#$%^*+/=@~]")


def _is_secret(found: re.Match[str]) -> bool:
    """A word of letters after `password is` is prose; so is a number of tokens."""
    value = found["it"].rstrip(".:!?")
    return bool(_LIKE_A_SECRET.search(value)) and not re.fullmatch(r"[0-9][0-9.,_/%-]{0,7}", value)


# --- addresses

_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}+@(?:\w(?:[\w-]{0,61}\w)?\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w]|\.[0-9])")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{6,39}+(?![\w])")
_A_VERSION_BEFORE = re.compile(
    r"(?i)(?:\b(?:v|ver|version|firmware|fw|release|rel|rev|revision|build|section|chapter|clause|release notes"
    r"|driver|oid)[ \t:.=#]{0,3}|[=~<>]=[ ]?|[§@-])$"
)


def _is_ipv4(found: re.Match[str]) -> bool:
    """Four numbers after `version` are one; the addresses of every machine itself identify nobody."""
    if _A_VERSION_BEFORE.search(found.string[max(0, found.start() - 16) : found.start()]):
        return False
    address = ipaddress.IPv4Address(found[0])
    return not (address.is_loopback or address.is_unspecified or found[0].startswith("255.255."))


def _is_ipv6(found: re.Match[str]) -> bool:
    try:
        address = ipaddress.IPv6Address(found[0].rstrip(":") if not found[0].endswith("::") else found[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return False
    groups = [group for group in found[0].split(":") if group]
    return len(groups) >= 4 or (len(groups) >= 2 and len(groups[0]) == 4 and groups[0][0] in "23fF")


# --- money

_IBAN_LENGTHS = {
    code[:2]: int(code[2:])
    for code in [
        "AD24",
        "AE23",
        "AL28",
        "AT20",
        "AZ28",
        "BA20",
        "BE16",
        "BG22",
        "BH22",
        "BI27",
        "BR29",
        "BY28",
        "CH21",
        "CR22",
        "CY28",
        "CZ24",
        "DE22",
        "DJ27",
        "DK18",
        "DO28",
        "EE20",
        "EG29",
        "ES24",
        "FI18",
        "FK18",
        "FO18",
        "FR27",
        "GB22",
        "GE22",
        "GI23",
        "GL18",
        "GR27",
        "GT28",
        "HN28",
        "HR21",
        "HU28",
        "IE22",
        "IL23",
        "IQ23",
        "IS26",
        "IT27",
        "JO30",
        "KW30",
        "KZ20",
        "LB28",
        "LC32",
        "LI21",
        "LT20",
        "LU20",
        "LV21",
        "LY25",
        "MC27",
        "MD24",
        "ME22",
        "MK19",
        "MN20",
        "MR27",
        "MT31",
        "MU30",
        "NI28",
        "NL18",
        "NO15",
        "OM23",
        "PK24",
        "PL28",
        "PS29",
        "PT25",
        "QA29",
        "RO24",
        "RS22",
        "RU33",
        "SA24",
        "SC31",
        "SD18",
        "SE24",
        "SI19",
        "SK24",
        "SM27",
        "SO23",
        "ST25",
        "SV28",
        "TL23",
        "TN24",
        "TR26",
        "UA29",
        "VA22",
        "VG24",
        "XK20",
        "YE30",
    ]
}
"""Length by country, from the SWIFT IBAN registry."""


def _iban_pattern() -> str:
    """Each country's own length, in one piece or in groups of four."""
    by_length: dict[int, list[str]] = {}
    for country, length in _IBAN_LENGTHS.items():
        by_length.setdefault(length, []).append(country)
    forms = []
    for length, countries in by_length.items():
        groups, rest = divmod(length - 4, 4)
        tail = rf"[ -]?[0-9A-Z]{{{rest}}}" if rest else ""
        forms.append(rf"(?:{'|'.join(countries)})[0-9]{{2}}(?:[ -]?[0-9A-Z]{{4}}){{{groups}}}{tail}")
    return rf"(?i)(?<!\w)(?=[A-Z]{{2}}[0-9]{{2}})(?:{'|'.join(forms)})(?!\w)"


_IBAN = re.compile(_iban_pattern())


def _is_iban(found: re.Match[str]) -> bool:
    number = re.sub("[ -]", "", found[0]).upper()
    return bool(mod_97_10.is_valid(number[4:] + number[:4]))


_CARD = re.compile(
    r"(?<![\w.+])(?:[0-9]{12,19}"
    r"|[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{3})?"
    r"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})(?![\w]|\.[0-9])"
)
_CARD_ISSUERS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}"  # Discover
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|62[0-9]{14,17}"  # UnionPay
)


def is_card(number: str) -> bool:
    """Digits of a known issuer and length, with a right check digit."""
    return bool(_CARD_ISSUERS.fullmatch(number)) and bool(luhn.is_valid(number))


def _is_card(found: re.Match[str]) -> bool:
    return is_card(re.sub("[ .-]", "", found[0]))


# --- people

_SSN = re.compile(r"(?<![\w-])(?P<it>[0-9]{3}-[0-9]{2}-[0-9]{4})(?![\w-])")
_SSN_LABELLED = re.compile(
    r"(?i)(?<![a-z])(?:ssn|social[ -]security(?:[ -](?:number|no\.?))?)(?:[ ]is)?[ \t:#=]{0,4}"
    r"(?P<it>[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4})(?![\w-])"
)
_PHONE_ABROAD = re.compile(
    r"(?<![\w+.])(?:\+[ ]?|00[ ]?(?=[1-9][0-9]{0,2}[ /(]))[1-9][0-9]{0,2}"
    r"(?:[ ./-]?(?:\([0-9]{1,5}\)|[0-9])){6,13}(?![0-9]|[.,:][0-9])"
)
_PHONE_NORTH_AMERICA = re.compile(
    r"(?<![\w.(-])(?:1[ .-])?"
    r"(?:\((?!.11)[2-9][0-9]{2}\)[ -]?(?!.11)[2-9][0-9]{2}[ .-][0-9]{4}"
    r"|(?!.11)[2-9][0-9]{2}([.-])(?!.11)[2-9][0-9]{2}\1[0-9]{4})(?![\w-]|\.[0-9])"
)
_PHONE_AT_HOME = re.compile(
    r"(?<![\w./-])(?:0[1-9](?:([ .-])[0-9]{2})(?:\1[0-9]{2}){3}"  # France, and who writes alike
    r"|\(?0[1-9][0-9]{1,4}\)?[ /][ ]?[0-9]{3,8}(?:[ -][0-9]{2,5}){0,3})(?![\w-]|[.,/:][0-9])"
)
_PHONE_LABELLED = re.compile(
    r"(?i)(?<![a-z])(?:tele(?:phone|fon)|phone|tel|mobile|mobil|cell(?:phone)?|fax|handy|whatsapp|rufnummer"
    r"|telefonnummer|call|dial|ring|text|reach)"
    r"(?:[ ](?:number|no\.?|nr\.?))?(?:[ ](?:me|us|him|her|them|at|on|is|was)){0,3}[ \t.:#=]{0,4}"
    r"(?P<it>\(?\+?[0-9][0-9 ()./-]{5,20}[0-9])(?![\w-]|[.,:][0-9])"
)
_DATE_LIKE = re.compile(
    r"(?:19|20)[0-9]{2}[-./][01]?[0-9][-./][0-3]?[0-9]|[0-3]?[0-9][-./][01]?[0-9][-./](?:19|20)[0-9]{2}"
)


def _is_ssn(found: re.Match[str]) -> bool:
    return bool(ssn.is_valid(re.sub("[ -]", "", found["it"])))


def _is_phone(found: re.Match[str]) -> bool:
    """Seven to fifteen digits; a decimal point beside other separators belongs to measurements."""
    number = found[found.re.groupindex.get("it", 0)]
    digits = sum(character.isdigit() for character in number)
    separators = set(number.lstrip("+")) - set("0123456789()")
    decimal = "." in separators and len(separators) > 1
    return 7 <= digits <= 15 and not decimal and not _DATE_LIKE.match(number)


def _is_phone_at_home(found: re.Match[str]) -> bool:
    return 9 <= sum(character.isdigit() for character in found[0]) <= 12


DETECTORS = (
    Detector(SECRET, _KEY_BLOCK),
    Detector(SECRET, _BEARER),
    Detector(SECRET, _PREFIXED),
    Detector(SECRET, _IN_URL),
    Detector(SECRET, _LABELLED_SECRET, _is_secret),
    Detector(EMAIL, _EMAIL),
    Detector(IBAN, _IBAN, _is_iban),
    Detector(CREDIT_CARD, _CARD, _is_card),
    Detector(US_SSN, _SSN, _is_ssn),
    Detector(US_SSN, _SSN_LABELLED, _is_ssn),
    Detector(PHONE, _PHONE_LABELLED, _is_phone),
    Detector(PHONE, _PHONE_ABROAD, _is_phone),
    Detector(PHONE, _PHONE_NORTH_AMERICA),
    Detector(PHONE, _PHONE_AT_HOME, _is_phone_at_home),
    Detector(IP_ADDRESS, _IPV4, _is_ipv4),
    Detector(IP_ADDRESS, _IPV6, _is_ipv6),
)
"""In this order: a number inside an address or a secret is gone before numbers are looked for."""
