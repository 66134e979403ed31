"""The maintained set of secret shapes: a name for the mark, literal anchors for a fast first look, and a pattern.

Every pattern is anchored on a literal and has bounded repeats only, so that no text can make it slow. Where a pattern
has a group ``secret`` only that part is replaced. Sources: the vendors' own documentation of their key formats and the
public rules of secret scanners. Tokens with a prefix stand in ``secret_tokens``, sentences in ``secret_prose``.
"""

import re

from bot.recorder.secret_prose import PROSE
from bot.recorder.secret_shape import START, SecretPattern, begun, secret
from bot.recorder.secret_tokens import TOKENS

_HEADERS = r"(?:proxy-)?authorization|(?:set-)?cookie2?|x-(?:api|auth|access|amz-security)-?(?:key|token)|api-key"
_SCHEMES = (
    r"bearer|basic|digest|token|api-?key|key|negotiate|ntlm|hawk|oauth|signature|ssws|splunk|session|jwt|snowflake|"
    r"aws4-[a-z0-9-]{6,40}|hmac[a-z0-9-]{0,20}|googlelogin|sharedaccesssignature|sharedkey(?:lite)?"
)

_PARAMETER = r"[a-z0-9_-]{1,40}=(?:\\{0,7}\"[^\"\\\n]{0,2000}\\{0,7}\"|[^\s,\"'\\<>|{}\[\]]{1,2000})"

SHAPES: tuple[SecretPattern, ...] = (
    secret(
        "private_key",
        "PRIVATE",
        r"-----? ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?(?:(?:[^-]|-(?!---)){0,20000}"
        r"-----? ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?|(?:[^\"'-]|-(?!---)){0,20000})",
    ),
    secret(
        "private_key",
        "Private-Lines:",
        r"Private-Lines: ?\d{1,4}(?P<secret>(?:\s|\\[nr]|[A-Za-z0-9+/=]){20,20000})",
    ),
    secret(
        "slack_webhook",
        "hooks.slack.com",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,300}",
    ),
    secret(
        "teams_webhook",
        "webhook.office.com/",
        r"webhook\.office\.com/webhookb2/(?P<secret>[A-Za-z0-9@/-]{60,300})",
    ),
    secret(
        "jwt",
        "eyJ",
        START + r"eyJ[A-Za-z0-9_-]{8,4000}\.(?:eyJ[A-Za-z0-9_-]{4,8000}\.?[A-Za-z0-9_-]{0,4000}"
        r"|[A-Za-z0-9_-]{0,2000}\.[A-Za-z0-9_-]{8,200}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,200})",
    ),
    begun(
        "authorization",  # a header line, or a pair of a list: everything that follows the scheme
        ("authorization",),
        r"authorization\\{0,7}[\"']{0,2}[ \t]{0,4}[:=,][ \t]{0,4}b?\\{0,7}[\"']{0,2}[ \t]{0,4}"
        r"(?P<secret>(?:" + _SCHEMES + r")[ \t]{1,4}(?:" + _PARAMETER + r"(?:,[ \t]{0,3}" + _PARAMETER + r"){0,20}"
        r"|[^\s;,\"'\\<>|{}\[\]]{1,4096}))",
    ),
    begun(
        "authorization",
        ("bearer", "basic"),
        START + r"(?:bearer|basic)[ \t]{1,4}(?P<secret>(?=[A-Za-z._~+/-]{0,4000}[0-9=])[A-Za-z0-9._~+/=-]{16,4096}"
        r"|[A-Za-z0-9._~+/=-]{40,4096})",
    ),
    secret(
        "header",  # ("x-api-key", "abc") as frameworks list headers
        "authorization cookie -key -token",
        r"[\"'](?:" + _HEADERS + r")\\{0,7}[\"'][ \t]{0,4},[ \t]{0,4}b?\\{0,7}[\"'](?P<secret>[^\"'\\\n]{4,4096}+)"
        r"(?!\\{0,7}[\"'][ \t]{0,4}:)",  # "key": "Authorization", "value": … is looked at elsewhere
        folded=True,
    ),
    begun(
        "cookie",  # its pairs and attributes, not what a sentence says after them
        ("cookie:",),
        r"cookie:[ \t]{0,4}(?P<secret>[^\s\"'=;]{1,200}=[^\s;\"']{1,4096}"
        r"(?:;[ \t]{0,4}(?:[^\s\"'=;]{1,200}=[^\s;\"']{0,4096}|httponly|secure|partitioned)){0,50})",
    ),
    secret(
        "cookie",
        "jsessionid phpsessid connect.sid aspxauth _session= sessionid=",
        r"(?:jsessionid|phpsessid|connect\.sid|\.aspxauth|\b[a-z]{2,20}_session|sessionid)=(?P<secret>[^\s\"'\\;,&]{16,2000})",
        folded=True,
    ),
    secret(
        "url_token",
        "token= sig= signature=",
        r"[?&](?:[a-z_-]{0,20}token|sig|(?:x-amz-)?signature)=(?P<secret>[^&\s\"'<>\\]{12,2000})",
        folded=True,
    ),
    begun(
        "url_password",
        ("://", r":\/\/"),  # some JSON writers escape the slash
        r"(?<=[A-Za-z0-9+.-]):(?:\\?/){2}[^\s:@/\"'<>]{0,100}:(?P<secret>[^\s/\"'<>]{1,200})@",
        also="@",
    ),
    begun(
        "url_token",  # https://token@host, as git is often given one; a person's name there stays
        ("://", r":\/\/"),
        r"(?:(?<=http)|(?<=https)):(?:\\?/){2}(?P<secret>(?=[^\s:@/\"'<>]{0,100}\d)[A-Za-z0-9_~.-]{12,300})@",
        also="@",
    ),
    secret(
        "oracle_password",
        "jdbc:oracle",
        r"jdbc:oracle:[a-z]{2,8}:[^\s/@\"']{1,60}/(?P<secret>[^\s/@\"']{1,100})@"),
    secret(
        "discord_webhook",
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/\d{10,25}/(?P<secret>[A-Za-z0-9_-]{30,100})",
    ),
    secret(
        "command_line",  # --password hunter2; curl -u user:password has the next one
        "--pass --token --secret --api --client-secret --access --auth --cookie",
        r"--(?:pass(?:word|wd|phrase)?|token|secret|api-?(?:key|token)|client-secret|access-(?:key|token)|auth-token|cookie)"
        r"(?:=|[ \t]{1,4})[\"']?(?P<secret>[^\s\"'\\-][^\s\"'\\]{3,400})",
        folded=True,
    ),
    secret(
        "command_line",
        "curl wget",
        r"\b(?:curl|wget)\b[^\n]{0,300}?[ \t](?:-u|--user)[ =]?[\"']?[^\s:\"'\\]{1,100}:(?P<secret>[^\s\"'\\]{1,200})",
        also=":",
    ),
    secret(
        "command_line",  # mysql -phunter2, where the password follows without a blank
        "mysql mariadb mycli",
        r"\b(?:mysql(?:dump|admin|import|show|check|sh|slap)?|mariadb(?:-[a-z]{3,8})?|mycli)\b[^\n|;&]{0,300}?[ \t]-p"
        r"(?P<secret>(?:\\{0,7}[\"'][^\"'\n]{1,200}\\{0,7}[\"']|[^\s\"'\\|;&]{1,200}))",
        also="-p",
    ),
    secret(
        "command_line",
        "sshpass redis-cli docker podman ldapsearch mongo sqlcmd smbclient htpasswd openssl",
        r"\b(?:(?:sshpass|docker|podman|mongo(?:sh|dump|restore|export|import)?)\b[^\n|;&]{0,200}?[ \t]-p[ \t]{0,3}"
        r"|(?:redis-cli)\b[^\n|;&]{0,200}?[ \t]-a[ \t]{0,3}|(?:ldap[a-z]{3,8})\b[^\n|;&]{0,200}?[ \t]-w[ \t]{0,3}"
        r"|sqlcmd\b[^\n|;&]{0,200}?[ \t]-P[ \t]{0,3}|smbclient\b[^\n|;&]{0,200}?%|openssl\b[^\n]{0,200}?[ \t]pass:)"
        r"(?P<secret>(?:\\{0,7}[\"'][^\"'\n]{3,200}\\{0,7}[\"']"
        r"|(?![\d.]{1,15}(?::|[ \t\n]|$))[^\s\"'\\|;&-][^\s\"'\\|;&]{3,200}))",
    ),
    secret(
        "xml_password",
        "password> passwd> secret> apikey> api_key>",
        r"<[a-z0-9:_.-]{0,40}(?:password|passwd|secret|api_?key)>(?P<secret>[^<>\s][^<>]{0,400})</",
        folded=True,
    ),
    secret("braced_password", "pwd={ password={", r"(?:pwd|password)=\{(?P<secret>[^}\n]{1,400})\}", folded=True),
    secret("azure_key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/=]{40,120})"),
    secret(
        "environment",  # NAME_KEY=… in a dump of the environment, where nothing else is written in capitals
        "_KEY= _KEY:  _DSN= _CREDENTIALS= _CREDS= _PSW= _SALT= _PEPPER=",
        r"(?<![A-Z0-9_])(?!(?:[A-Z0-9]{1,30}_){0,4}(?:PUBLIC|PRIMARY|PARTITION|SORT|FOREIGN|CACHE|OBJECT|ROUTING|DEDUPE|"
        r"IDEMPOTENCY|ORDER|CUSTOMER|GROUP)_KEY)[A-Z][A-Z0-9_]{1,60}_(?:KEY|DSN|CREDENTIALS|CREDS|PSW|SALT|PEPPER)"
        r"(?:=|: )[\"']?(?P<secret>(?=[^\s\"']{0,400}\d)[A-Za-z0-9+/=_.~:@?&%-]{12,400})",
    ),
)  # fmt: skip

PATTERNS: tuple[SecretPattern, ...] = (*SHAPES, *TOKENS, *PROSE)
"""Every rule, in the order in which they run."""

SECRET_KEYS = frozenset(
    [
        "password", "passwd", "pwd", "passphrase", "secret", "secretkey", "secretaccesskey", "clientsecret", "apikey",
        "apisecret", "accesstoken", "refreshtoken", "idtoken", "authtoken", "bearertoken", "sessiontoken", "privatekey",
        "authorization", "proxyauthorization", "cookie", "setcookie", "xapikey", "xauthtoken", "signingsecret",
        "connectionstring", "dbpassword", "encryptionkey", "webhooksecret", "cvv", "cvc", "secretkeybase",
        "secretvalue", "pass", "subscriptionkey", "dbpass", "userpass", "smtppass", "ftppass", "mysqlpass", "pgpass",
        "rootpass", "adminpass",
    ]
)  # fmt: skip
"""Field names whose whole value is secret: lower case, without ``_``, ``-``, dots and spaces."""

SECRET_KEY_ENDINGS = (
    "password", "passwd", "passphrase", "secret", "apikey", "accesstoken", "refreshtoken", "privatekey", "secretkey",
    "authtoken", "sessiontoken", "accesskey", "subscriptionkey", "serverkey", "deploykey",
    "storagekey", "accountkey", "signingkey", "masterkey", "encryptionkey",
)  # fmt: skip
"""Endings that make a longer field name secret (``stripe_api_key``, ``AWS_SECRET_ACCESS_KEY``)."""

PLAIN_TOKENS = ("page", "next", "continuation", "sync", "cursor", "client", "idempotency", "pagination", "resume")
"""Tokens that open nothing: what stands before ``token`` in their names. Any other long one is a credential."""

SCHEMA_WORDS = frozenset(
    [
        "type", "description", "title", "format", "default", "example", "examples", "enum", "const", "pattern",
        "minlength", "maxlength", "minimum", "maximum", "anyof", "oneof", "allof", "$ref", "nullable", "items",
        "properties", "required", "additionalproperties", "writeonly", "readonly", "deprecated",
    ]
)  # fmt: skip
"""What a JSON schema consists of, in lower case: a field ``password`` that holds only these is a definition."""

SCHEMA_VALUES = frozenset({"default", "example", "examples", "enum", "const"})
"""Those of them that may hold a real value."""

KEY_STEMS = (
    "pass", "pwd", "secret", "token", "authorization", "cookie", "cvv", "cvc", "apikey", "api_key",
    "api-key", "api key", "privatekey", "private_key", "private-key", "private key", "encryptionkey", "encryption_key",
    "encryption-key", "accesskey", "access_key", "access-key", "access key", "storagekey", "storage_key", "storage-key",
    "subscriptionkey", "subscription_key", "subscription-key", "serverkey", "server_key", "deploykey", "deploy_key",
    "accountkey", "account_key", "account-key", "signingkey", "signing_key", "signing-key", "masterkey", "master_key",
    "master-key", "connectionstring", "connection_string", "connection-string", "connection string",
)  # fmt: skip
"""One of these is in every secret field name (lower case): the fast first look."""

KEY_SHAPE = re.compile(r"(?P<key>[A-Za-z0-9_.-]{1,80})\\{0,7}[\"']?[ \t]{0,4}(?:[:=]|%3[aAdD])")
"""A field name with its separator, matched from the start of the name."""

KEYED_TEXT = re.compile(
    r"(?P<key>[A-Za-z0-9_.-]{1,80})(?P<between>\\{0,7}[\"']?[ \t]{0,4}(?:[:=]|%3[aAdD])[ \t]{0,4})"
    r"(?:(?P<quote>\\{0,7}[\"'])(?P<quoted>(?:(?!(?P=quote))(?:\\[^\n]|[^\n\\])){1,4096})(?:(?P=quote)|\Z)"
    r"|(?P<bare>(?:(?i:bearer|basic|token|digest)[ ]{1,4})?[^\s\"'\\,;&<>(){}\[\]]{4,4096}))"
)
"""``key=value`` and ``"key": "value"`` in running text, matched from the start of the key; the key decides."""
