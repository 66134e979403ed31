"""The words with which results say no, for ``refusals.py``. Each pattern reads one short sentence."""

import re

ERROR_START = re.compile(
    r"[\"'\[(<❌✗⛔⚠️]{0,3}\s?(?:fatal:|(?:(?!no |not |without |fixed |found )\w{1,30} (?!errors)){0,3}"
    r"\(?[\w.]{0,60}(?:error|exception|errors\.\w{1,60})\)?(?:\s?[:(\[]|\) |$| (?:from|while|in|when|at|executing|"
    r"running|calling|occurred|acquiring|creating|updating|deleting|sending|processing|invoking)\b)|"
    r"graphql: |fail(?:ed|ure)(?: to\b|:)|no such \w|(?:code )?execution failed\b|validation failed\b|"
    r"\d{1,2} (?:cancelled|unknown|invalid_argument|not_found|already_exists|permission_denied|resource_exhausted|"
    r"failed_precondition|out_of_range|unimplemented|unauthenticated):)",
    re.IGNORECASE,
)
"""An error by its first words, also behind what it is an error of: ``rpc error:``, ``Error from server``."""

DENIED = re.compile(
    r"^(?:(?:the|your|this|a|my) )?(?:[\w#'-]{1,40} ){0,4}(?:(?:was|were|is|has been|have been|got) )?"
    r"(?P<word>rejected|declined|denied|refused|blocked|restricted)\b(?=\s*(?:[.!,:;(—–-]|$|because|due|by|with|for))",
    re.IGNORECASE,
)

NO = re.compile(
    r"(?:no \w+(?: [\w'-]+){0,4} (?:(?:was|were|is|are|has been|have been) )?(?:available|possible|made|performed|done|"
    r"applied|executed|sent|created|booked|placed|saved|charged|processed|changed|modified|updated|inserted)\b|"
    r"no changes? (?:made|applied|saved)|no \w+(?: \w+)? history found|"
    r"nothing (?:was|has been|could be|to) \w+|(?:i|we|you|it|he|she|they|this \w+|(?:the |your )?\w+(?: \w+){0,2}) "
    r"(?:can ?not|can't|could not|couldn't|was(?: not|n't) able|were(?: not|n't) able|(?:am|is|are|was|were) "
    r"(?:unable|not able|not allowed|not permitted|not authori[sz]ed|not possible)|do(?:es)? not have|don't have|"
    r"doesn't have|(?<!from )failed to|must (?:first|be))\b|not (?:found|allowed|permitted|authori[sz]ed|supported)\b|"
    r"(?:invalid|missing|unknown|unsupported|unrecogni[sz]ed|insufficient) \w+|not enough \w+|unauthori[sz]ed\b|"
    r"forbidden\b|(?:access|permission) (?:is )?denied|(?:wrong|incorrect|duplicate) \w+|bad request\b|"
    r"conflict\s?[:(]|none of the \w|"
    r"there (?:is|are|was|were) no (?!errors?\b|issues?\b|problems?\b|conflicts?\b|warnings?\b)\w|"
    r"(?:\w+ ){1,3}(?:is |are |was )?(?:invalid|expired)\b|"
    r"please (?:provide|specify|enter|confirm|log ?in|sign in|try)\b)",
    re.IGNORECASE,
)
"""What a refusal starts with."""

REFUSED = re.compile(
    r"\b(?:(?:was|were|is|are|does|do|did|has|have) ?(?:not|n't)|not) (?:been )?"
    r"(?:found|exists?|available|possible|allowed|permitted|supported|authori[sz]ed|applied|changed|created|updated|"
    r"deleted|removed|sent|delivered|processed|completed|executed|performed|accepted|made|booked|saved|modified|"
    r"cancell?ed|mergeable|eligible|valid|recogni[sz]ed|enough|replaced|transferred|refunded|charged|submitted|"
    r"published|scheduled|accessible|reachable|ready|apply|configured|registered|implemented|connected|logged in|"
    r"present)\b|"
    r"\b(?:could|can|will|would) ?(?:not|n't) be (?!undone|reversed|reverted|restored|recovered|refunded later)\w+|"
    r"\bnothing (?:was|has been) (?:changed|done|updated|sent|deleted|modified)|"
    r"\balready (?:exists|taken|booked|in use|registered|reserved|used)\b|\bis taken\b|\bunsuccessful(?:ly)?\b|"
    r"\bno such (?:file|directory)\b|\bE(?:NOENT|ACCES|PERM|EXIST|NOTDIR|ISDIR)\b|"
    r"\bhas (?:already )?expired\b|\b(?:temporarily |currently |service (?:is )?)unavailable\b|\btry again later\b|"
    r"\b(?:limit|quota)\b.{0,30}\b(?:exceeded|reached)\b|\bfully booked\b|\bis read-only\b|\b(?:nobody|no one) is \w|"
    r"\brate.?limit(?:ed)?\b|\btoo many requests\b|"
    r"\binsufficient (?:funds|balance|permissions?|privileges?|credits?|rights)\b|\bout of stock\b|\bsold out\b|"
    r"\bmust be owner\b|\bnot aware of any\b|\bnot an? (?:valid|known|existing|supported|allowed)\b|"
    r"\b(?:is|are|was|were) too (?:large|long|big|small|short|old|late|early|many|much)\b|"
    r"\bexceeds?\b.{0,40}\b(?:limit|maximum|allowed|balance|quota|size)\b|\b(?:limit|quota) would be exceeded\b|"
    r"\b(?:can|could|may) no longer be \w+|\brequires? (?:(?:your|manual|human|further|an?|the) ){0,2}"
    r"(?:approval|confirmation|authori[sz]ation|permission)\b|"
    r"\b(?:confirmation|approval|authori[sz]ation|login|authentication) (?:is )?required\b|"
    r"\buser (?:does not|doesn't) want\b|\buser (?:cancelled|canceled|aborted)\b",
    re.IGNORECASE,
)
"""What makes a short sentence a refusal wherever it stands in it."""

UNDONE = re.compile(
    r"\b(?:changes?|edits?|request|operation|action|transaction|update) (?:has|have|was|were|could) ?(?:not|n't) "
    r"(?:been |be )?(?:applied|made|saved|performed|completed|executed|processed|changed|committed)\b|"
    r"\b(?:no changes? (?:was|were|has been|have been)|nothing (?:was|has been)) (?:made|applied|saved|changed|done)\b",
    re.IGNORECASE,
)
"""What takes back a first sentence that did not say so."""

SORRY = re.compile(
    r"(?:i'?m |i am |we'?re |we are )?(?:very |so |really )?(?:sorry|unfortunately|regrettably|apologies)\b.*"
    r"\b(?:no|not|cannot|can't|couldn't|wasn't|isn't|don't|doesn't|unable|unavailable|failed|only|never)\b",
    re.IGNORECASE | re.DOTALL,
)

UNANSWERED = re.compile(
    r"\b(?:no|without|any) (?:response|answer|reply|acknowledge?ments?|confirmation) (?:from|by|within|received|was)\b|"
    r"\b(?:did|does|has|was) ?(?:not|n't) (?:respond|answer|reply|responded|answered|acknowledged)\b|"
    r"\bnot (?:been )?(?:acknowledged|answered)\b",
    re.IGNORECASE,
)
"""It was asked, and nobody knows: as a time-out."""

WENT_WELL = re.compile(
    r"\W{0,3}(?:success(?:ful(?:ly)?)?|done|ok(?:ay)?|sent|set|paid|no (?:errors?|issues?|problems?|warnings?|"
    r"conflicts?|matches|results?)|0 errors|(?:note|info|warning)(?= ?:)|"
    r"(?!failed|denied|rejected|declined|refused|blocked|skipped|aborted|expired|need|unauthori[sz]ed|unsupported|"
    r"unrecogni[sz]ed|limited|exceeded|timed)[a-z]{2,20}ed(?! ?:))\b",
    re.IGNORECASE,
)
"""A text that starts so is no refusal, whatever it adds: ``Marked the product as out of stock``."""
DONE = re.compile(
    r"(?<!already )(?<!not )(?<!been )(?:\b(?:success\w*|completed|confirmed|created|sent|booked|placed|updated|saved|"
    r"issued|scheduled|published|deployed|approved|transferred|refunded|submitted)|"
    r"(?<!is )(?<!are )\b(?:archived|closed|deleted|removed|merged|paid))\b(?!\.\w)",
    re.IGNORECASE,
)
"""What stands before a restriction that is none of a refusal: ``Transfer completed, not available until Monday``."""

NOW = re.compile(r"(?<!right )(?<!for )\bnow\b", re.IGNORECASE)
"""A state that is so now came about by the call: ``Item 5 is out of stock now``."""

FOREIGN = re.compile(
    r"^\W{0,3}(?:fehler|erreur|erro|errore|fout|hata|błąd|chyba|virhe|ошибка|помилка|错误|錯誤|エラー|오류)\s?[::(（!！]|"  # noqa: RUF001
    r"\bzugriff verweigert|\bnicht (?:möglich|gefunden|erlaubt|berechtigt|erreichbar|ausgeführt|gesendet|gespeichert|"
    r"storniert|gelöscht|verfügbar)|\bkonnten? (?:\w+ ){0,6}nicht|\bfehlgeschlagen|\babgelehnt\b|"
    r"^(?:no se (?:pudo|puede|pudieron|encontr)|no (?:fue|es) posible|no (?:tiene|tienes) permis|acceso denegado)|"
    r"\bno (?:encontrad[oa]|existe)\b|\bimpossible d|\béchec\b|\bn['’ ](?:a|est) pas (?:pu|été|trouvé|autorisé)|"
    r"\bintrouvable\b|\baccès refusé|\bnão (?:foi|é) poss|\bnão encontrad|\bfalha (?:ao|na|no)\b|"
    r"\bnon è stato possibile|\bimpossibile \w|\bnon trovat[oa]|не удалось|не найден|отказано|"
    r"失败|失敗|无法|無法|不存在|没有权限|できません|できなかった|見つかりません|権限がありません|"
    r"실패|찾을 수 없|권한이 없",
    re.IGNORECASE,
)
"""The same in other languages that tools speak."""

GRPC_TEXT = re.compile(r"\s*(\d{1,2}) ([A-Z][A-Z_]{4,30})\b(?=:|\s|$)")

STATE_WORDS = frozenset(
    """
    error errored failed failure fail rejected denied declined refused forbidden unauthorized unauthorised invalid
    not_found notfound unsuccessful blocked unauthenticated permission_denied access_denied not_allowed not_permitted
    bounced undelivered undeliverable skipped not_executed not_sent no_valid_targets insufficient_funds expired_card
    """.split()  # noqa: SIM905
)
"""Words of a status that say that it was not done."""

VERB_OF = {
    "rejected": "reject",
    "denied": "deny",
    "declined": "decline",
    "refused": "refuse",
    "forbidden": "forbid",
    "invalid": "invalidate",
    "blocked": "block",
    "restricted": "restrict",
    "sent": "send",
    "paid": "pay",
    "made": "make",
    "sold": "sell",
    "bought": "buy",
    "held": "hold",
    "written": "write",
    "taken": "take",
    "withdrawn": "withdraw",
    "skipped": "skip",
    "failed": "fail",
    "unauthorized": "unauthorize",
}

GOOD_COUNTS = (
    "succeeded", "success_count", "successCount", "successful", "successes", "success", "processed", "updated",
    "created", "inserted", "sent", "deleted", "completed", "ok",
)  # fmt: skip
BAD_COUNTS = (
    "failed", "failure_count", "failureCount", "failed_count", "failedCount", "failures", "error_count", "errorCount",
    "rejected", "errors", "not_sent",
)  # fmt: skip
"""How the answers to a batch count what was done and what was not."""
