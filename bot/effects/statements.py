"""What a text says about undoing: a tool's own description, or the policy in the prompt. Pure, bounded."""

import re
from collections.abc import Iterable, Iterator

from bot.domain.base import Value

FINAL = re.compile(
    r"(?<!not )(?<!n't )\b(?:(?:can|may|must|should|is|are|will) only (?:\w+ )?(?:be )?(?:\w+ )?once\b|"
    r"(?:can ?not|can't|could not|may not|never) be (?:undone|reversed|reverted|rolled back|restored|recovered|"
    r"taken back|recalled|retracted|unsent|cancell?ed (?:after|once|any|later)|changed (?:after|once|later|any))|"
    r"(?:cannot|can't|no way to|impossible to) (?:undo|reverse|revert|recover|restore)|irreversibl[ey]|irrevocabl[ey]|"
    r"permanently|(?:is|are) permanent\b|not be able to (?:[\w/,]+ ){1,8}(?:any ?more|afterwards|again)|"
    r"(?:is|are) final\b|no undo\b|overwrit\w+|(?:data|everything|changes?) (?:is|are|will be) lost|"
    r"without (?:asking|warning|confirmation)|takes? effect immediately)",
    re.IGNORECASE,
)
"""It is final. In doubt it is: a wrong "irreversible" costs a click, a wrong "reversible" more."""

CANCELLED = re.compile(
    r"\bcan (?:\w+ )?be (?:cancell?ed|refunded|voided|revoked|withdrawn|called off|returned)\b"
    r"(?:[^.;\n]{0,60}?(?:within|until|up to|before)[^.;,\n]{0,60}|[^.;,\n]{0,20})",
    re.IGNORECASE,
)
RESTORED = re.compile(
    r"\bcan (?:\w+ )?be (?:undone|restored|reverted|reversed|recovered|undeleted|unarchived|re-?enabled|reopened)|"
    r"\b(?:to|into|in) (?:the |your )?(?:trash|bin|recycle bin)|\bsoft[- ]delet\w+",
    re.IGNORECASE,
)
TELLING = re.compile(
    r"\b(?:sends?|sent|gets?|receives?|told|notif(?:y|ies|ied)|informs?|emails?|e-mails?) (?:\w+ ){0,4}?"
    r"(?:e-?mails?|notifications?|messages?|invitations?|invites?|customers?|recipients?|participants?|users?|link)\b|"
    r"\b(?:by|via) (?:e-?mail|sms)\b|\b(?:goes|sent|handed) to the (?:bank|customer|public|press)",
    re.IGNORECASE,
)
PAYING = re.compile(
    r"\bcharge[sd]?\b|\bpay(?:s|ing|ments?)?\b|\bmoney\b|\bpurchas\w+|\bbuy(?:s|ing)?\b|\bbill(?:s|ed)\b|"
    r"\bdebit(?:s|ed)?\b|\bwithdraw\w*|\btransfers? (?:of )?(?:funds|money)",
    re.IGNORECASE,
)
REQUESTED = re.compile(r"\brequest(?:ed)?\b", re.IGNORECASE)
INVITING = re.compile(r"\binvit\w+|\bparticipants?\b|\battendees?\b", re.IGNORECASE)

_WORD = re.compile(r"[a-z]+")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_LONGEST = 60_000
_SUFFIXES = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y")
_FILLERS = frozenset(
    """
    a all an and any are be been but by can each every for from if in is it its may must no not of on once only or other
    otherwise should so such that the their them then there these they this those to too tool tools action actions
    operation operations call calls change changes user customer you your will with which when after before also always
    made done used called within hours days
    """.split()  # noqa: SIM905
)


class Paragraph(Value):
    """A sentence of the policy with the words of the heading that it stands under and of the whole line."""

    text: str
    heading: tuple[str, ...] = ()
    line: tuple[str, ...] = ()


def stem(word: str) -> str:
    """A crude stem, so that "cancelled", "cancelling" and "cancel" are one word."""
    word = word.lower()
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


def stems(words: Iterable[str]) -> frozenset[str]:
    """The stems of the words."""
    return frozenset(stem(word) for word in words)


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The sentences of a policy text under their headings; at most 60 kB are read."""
    heading: tuple[str, ...] = ()
    for line in text[:_LONGEST].splitlines():
        plain = line.strip()
        if not plain:
            continue
        if plain.startswith("#") or (plain.endswith(":") and len(plain) < 80):
            heading = tuple(_WORD.findall(plain.lower()))
            continue
        words = tuple(_WORD.findall(plain.lower()))[:80]
        for sentence in _SENTENCE.split(plain):
            if sentence:
                yield Paragraph(text=sentence, heading=heading, line=words)


def says_of(
    pattern: re.Pattern[str], policy: Iterable[Paragraph], name: str, verb: str | None, things: frozenset[str]
) -> str | None:
    """What the policy says of this tool by that pattern, in its own words; ``None`` where it does not speak of it.

    A sentence speaks of a tool when it names it, or when what stands before the match (else its heading) has its verb
    or its things and names nothing that this tool has not.
    """
    own = things | ({stem(verb)} if verb else frozenset())
    for sentence in policy:
        match = pattern.search(sentence.text)
        if match is None:
            continue
        if name.lower() in sentence.text.lower():
            return match[0].strip()
        subject = stems(w for w in _WORD.findall(sentence.text[: match.start()].lower()) if w not in _FILLERS)
        if not subject:
            subject = stems(word for word in sentence.heading if word not in _FILLERS)
        if subject & own and not subject - own - _VERB_STEMS:
            return match[0].strip()
    return None


_VERB_STEMS = stems(
    """
    book cancel modify return exchange refund update delete remove create send pay transfer add change edit issue
    """.split()  # noqa: SIM905
)
"""Verbs that a sentence may list beside the tool's own."""
