"""Secrets in sentences: "the password is hunter2". What only speaks about passwords stays.

A word with a digit or a sign after "password is" is one; a plain word is one when the sentence ends with it and it is
none of those by which people speak about passwords. Also the phrases of several words, and one-time codes.
"""

import re

from bot.recorder.secret_shape import SecretPattern, begun, is_mixed

SPOKEN = frozenset(
    [
        "a", "about", "above", "accepted", "active", "again", "all", "allowed", "almost", "already", "also",
        "always", "an", "and", "any", "are", "as", "at", "available", "be", "because", "been", "before", "being",
        "below", "best", "blank", "broken", "but", "by", "can", "case", "changed", "checked", "common", "complex",
        "compromised", "confidential", "correct", "could", "created", "dead", "default", "different", "disabled",
        "does", "done", "due", "either", "email", "empty", "encrypted", "enough", "entered", "even", "expired",
        "exposed", "false", "few", "field", "fine", "first", "for", "forgotten", "from", "full", "given", "good",
        "gone", "good", "had", "has", "hashed", "have", "here", "hidden", "his", "how", "if", "important", "in",
        "incorrect", "input", "invalid", "is", "it", "its", "just", "kept", "known", "later", "leaked", "least",
        "less", "like", "long", "longer", "lost", "mandatory", "masked", "matching", "may", "me", "mine", "missing",
        "more", "most", "must", "my", "needed", "never", "new", "no", "none", "not", "now", "null", "of", "off",
        "ok", "okay", "old", "on", "once", "only", "open", "optional", "or", "our", "out", "outdated", "over",
        "own", "plain", "please", "policy", "private", "protected", "provided", "public", "ready", "rejected",
        "required", "reset", "right", "rotated", "safe", "salted", "same", "saved", "secret", "secure", "sensitive",
        "sent", "set", "shared", "she", "short", "should", "shown", "simple", "since", "so", "some", "soon",
        "still", "stored", "string", "strong", "stuck", "such", "text", "than", "that", "the", "their", "them",
        "then", "there", "these", "they", "this", "those", "to", "today", "too", "true", "type", "unchanged",
        "under", "unique", "unknown", "unset", "until", "up", "updated", "used", "user", "using", "valid", "value",
        "verified", "very", "visible", "was", "way", "we", "weak", "were", "what", "when", "where", "which",
        "while", "who", "why", "will", "with", "within", "without", "would", "wrong", "yes", "yet", "you", "your",
        "yours",
    ]
)  # fmt: skip
"""Words that follow "the password is" where nobody gives one away."""

_ENDINGS = ("ed", "ing", "ly", "able", "ible", "less", "ful")
_ALGORITHMS = re.compile(
    r"(?:sha-?\d{1,3}|md5|bcrypt|s?crypt|argon2(?:id?|d)?|base64|pbkdf2|utf-?8|oauth2?|2fa|mfa|v\d{1,2}|aes-?\d{0,3}|"
    r"\d{1,3}(?:%|st|nd|rd|th|-?(?:bit|char|day|digit|letter|minute|hour|month|year|word)s?\w{0,10}))[.,;:!?)]{0,3}",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[ \t]{1,3}(?:char|bit|byte|digit|day|hour|minute|second|month|week|year|time|attempt|of|or|and|to)", re.IGNORECASE
)
_OPEN = "[redacted"


def spoken(word: str) -> bool:
    """Whether a plain word speaks about a secret and is none."""
    folded = word.lower().strip(".,;:!?()*_-'\u2019")
    return folded in SPOKEN or (folded.isalpha() and folded.endswith(_ENDINGS))


def _is_given(match: re.Match[str]) -> bool:
    """Whether the word after "password is" is one."""
    said = match["secret"]
    if said.startswith(_OPEN) or _ALGORITHMS.fullmatch(said) or spoken(said):
        return False
    if match["quote"]:
        return True
    after = match.string[match.end() : match.end() + 24]
    if any(not letter.isalpha() and letter not in "'\u2019.-/" for letter in said):  # a digit, a sign
        return not (said.replace(".", "").isdigit() and _UNIT.match(after))
    return len(said) > 3 and (not after or after[0] in ".,;!?)\n\r\"'`\\")


def _is_named(match: re.Match[str]) -> bool:
    """Whether the word straight after "password" is one: letters and digits, and no algorithm's name."""
    said = match["secret"]
    return is_mixed(said) and not _ALGORITHMS.fullmatch(said)


def _is_phrase(match: re.Match[str]) -> bool:
    """Whether several words are a passphrase: none of them joins a sentence together."""
    words = match["secret"].lower().split()
    return (
        len(words) > 2
        and all(len(word) > 2 for word in words)
        and not any(word in SPOKEN - {"correct", "private", "public", "secret", "open"} for word in words)
    )


def _is_told(match: re.Match[str]) -> bool:
    """The same in a language whose small words are not listed here: only what has a digit or a sign in it."""
    said = match["secret"]
    if said.startswith(_OPEN) or _ALGORITHMS.fullmatch(said):
        return False
    return bool(match["quote"]) or any(not letter.isalpha() and letter not in "'\u2019.-/" for letter in said)


_FREE = r"(?:(?<![a-z0-9_])|(?<=\\[nrt]))"
_CALLED = (
    _FREE + r"(?:pass(?:word|wd|phrase|code)|pass[ -]phrase|pwd|passwort|kennwort|contrase(?:ñ|n)a|senha|"
    r"mot[ ]de[ ]passe|wachtwoord|(?:seed|recovery)[ -]phrase|mnemonic)"
)
_WHOSE = r"(?:[ \t]{1,3}(?:for|of|to|on|at)[ \t]{1,3}[^\s.,;:!?]{1,40}(?:[ \t][^\s.,;:!?]{1,40}){0,3}?)?"
_IS = (
    r"[ \t]{1,3}(?:is|was|are|ist|lautet|war|es|est|é|=|equals|(?:has been |was )?(?:set|changed|reset) to)"
    r"(?:[ \t]{1,3}(?:now|still|currently|actually|simply|just|always))?[ \t]{0,2}:?[ \t]{1,3}"
)
_QUOTE = r"(?P<quote>\\{0,7}[\"'`“\u2018«]|\*\*|<code>)?"
_CODE = (
    r"(?:" + _FREE + r"(?:otp|pin(?:[ -]?code| number)?|one[- ]time[- ](?:code|password|passcode|pin))|"
    r"(?:(?<=verification[ -])|(?<=security[ -])|(?<=access[ -])|(?<=login[ -])|(?<=auth[ -])|(?<=authentication[ -])|"
    r"(?<=2fa[ -])|(?<=mfa[ -]))code)"
)


_ELSEWHERE = (
    "password", "passwort", "kennwort", "contraseña", "senha", "mot de passe", "wachtwoord", "hasło", "пароль", "密码",
    "密碼", "パスワード", "비밀번호", "parola", "lösenord", "passord", "adgangskode", "salasana", "şifre", "heslo",
    "jelszó", "mật khẩu", "รหัสผ่าน", "كلمة المرور", "סיסמה",
)  # fmt: skip
_POINTS = "\u3002\u3001\uff0c\uff1b"  # the full-width stop and commas
_VERBS = "ist|lautet|es|est|è|é|is|jest|это|är|er|on|je"
_SAYS = rf"(?:[:=\uff1a]|(?<=[ \t])(?:{_VERBS})(?=[ \t:])|是|は|는|은)[:\uff1a]?[ \t]{{0,3}}"
_WORDS = ("pass", "pwd", "kennwort", "contrase", "senha", "mot de passe", "wachtwoord", "seed", "recovery", "mnemonic")

PROSE: tuple[SecretPattern, ...] = (
    begun(
        "passphrase",
        _WORDS,
        _CALLED + r"(?:" + _WHOSE + _IS + r"|\\{0,7}[\"']?[ \t]{0,2}[:=][ \t]{0,3})\\{0,7}[\"'`“]?"
        r"(?P<secret>[a-z]{3,20}(?:[ -][a-z]{3,20}){2,24})(?=[ \t]?\\{0,7}[\"'`”.!?\n\r]|\\[nr]|$)",
        _is_phrase,
    ),
    begun(
        "password",
        _WORDS,
        _CALLED + _WHOSE + _IS + _QUOTE
        + r"(?P<secret>[^\s\"'`“”\u2018\u2019«»<>\\]{2,199}[^\s\"'`“”\u2018\u2019«»<>\\.,;:!?)\]}*])",
        _is_given,
    ),
    begun(
        "password",
        _ELSEWHERE,
        rf"(?:{'|'.join(_ELSEWHERE)})\\{{0,7}}[\"'*]{{0,3}}[ \t\u00a0]{{0,3}}"
        + _SAYS + _QUOTE
        + rf"(?P<secret>[^\s\"'`“”\u2018\u2019«»<>\\{_POINTS}]{{4,199}}"
        rf"[^\s\"'`“”\u2018\u2019«»<>\\.,;:!?)\]}}*{_POINTS}])",
        _is_told,
    ),
    begun(
        "password",
        ("pass", "pwd"),
        r"(?:(?<![a-z0-9_-])|(?<=\\[nrt]))(?:password|passphrase|passcode|pwd)[ \t]{1,3}" + _QUOTE
        + r"(?P<secret>[^\s\"'`“”\u2018\u2019«»<>\\:=,;(){}\[\]]{6,64})"
        r"(?=[\s\"'`“”\u2018\u2019«»<>\\,;)}\]]|$)",
        _is_named,
    ),
    begun(
        "secret",
        ("secret", "api key", "api-key", "api_key", "api token", "access token", "access key", "auth token",
         "session token", "bearer token", "refresh token", "private key", "encryption key", "license key"),
        _FREE + r"(?:secret(?:[ -]key)?|(?:api|access|auth|session|bearer|refresh|private|encryption|license)[ _-]"
        r"(?:token|key))"
        + _WHOSE + _IS + _QUOTE
        + r"(?P<secret>(?=[a-z_.-]{0,200}\d)(?=[\d_.-]{0,200}[a-z])[a-z0-9_.+/=~-]{8,400}[a-z0-9_=])",
    ),
    begun(
        "one_time_code",
        ("otp", "pin", "one-time", "one time", "code"),
        _CODE + r"(?:" + _WHOSE + _IS + r"|[ \t]{0,2}:[ \t]{0,3})" + _QUOTE
        + r"(?P<secret>\d(?:[ -]?\d){3,7})(?![\d.,]*\d)",
    ),
)  # fmt: skip
