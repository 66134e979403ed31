"""The maintained set of secret shapes: a name for the mark, literal anchors for a fast first look, and a pattern.

Every pattern is anchored on a literal and has bounded repeats only, so that no text can make it slow. Where a pattern
has a group ``secret`` only that part is replaced. Sources: the vendors' own documentation of their key formats and the
public rules of secret scanners.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """``anchors`` are literals of which one is in every match (lower case when ``folded``, then matched so).

    ``also`` is a literal that must be there too: looked for before the pattern runs, since anchors may be everywhere.
    """

    name: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    folded: bool = False
    also: str = ""

    def may_be_in(self, text: str) -> bool:
        """The quick look at one text: whether the pattern needs to run at all."""
        if self.also not in text:
            return False
        looked_at = text.lower() if self.folded else text
        return any(anchor in looked_at for anchor in self.anchors)


def _secret(name: str, anchors: str, pattern: str, *, folded: bool = False, also: str = "") -> SecretPattern:
    compiled = re.compile(pattern, re.IGNORECASE if folded else 0)
    return SecretPattern(name, tuple(anchors.split()), compiled, folded, also)


# Unlike \b it also holds after an underscore, and after an escaped line end inside JSON text (\n is a letter there).
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"

PATTERNS: tuple[SecretPattern, ...] = (
    _secret(
        "private_key",
        "PRIVATE",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^\"'-]|-(?!----)){0,20000}"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    _secret("aws_access_key", "AKIA ASIA ABIA ACCA", _START + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _secret("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", _START + r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    _secret("github_token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    _secret("gitlab_token", "glpat- glrt- gldt-", _START + r"gl(?:pat|rt|dt)-[A-Za-z0-9_.-]{20,300}"),
    _secret("slack_token", "xox xapp-", _START + r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9.-]{10,400}"),
    _secret(
        "slack_webhook",
        "hooks.slack.com",
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,300}",
    ),
    _secret("anthropic_key", "sk-ant-", _START + r"sk-ant-[A-Za-z0-9_-]{16,300}"),
    _secret("openai_key", "sk-", _START + r"sk-(?=[A-Za-z_-]{0,300}\d)[A-Za-z0-9_-]{20,300}"),
    _secret("model_provider_key", "gsk_ xai- pplx- r8_", _START + r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{30,200}"),
    _secret("huggingface_token", "hf_", _START + r"hf_[A-Za-z0-9]{30,200}"),
    _secret("stripe_key", "_live_ _test_", _START + r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,250}"),
    _secret("webhook_secret", "whsec_", _START + r"whsec_[A-Za-z0-9+/=]{16,200}"),
    _secret("google_key", "AIza", _START + r"AIza[0-9A-Za-z_-]{35}"),
    _secret("google_token", "ya29. GOCSPX-", _START + r"(?:ya29\.|GOCSPX-)[0-9A-Za-z_.-]{20,500}"),
    _secret("jwt", "eyJ", _START + r"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{4,8000}\.?[A-Za-z0-9_-]{0,4000}"),
    _secret(
        "authorization",
        "bearer basic",
        _START + r"(?:bearer|basic)[ \t]{1,4}(?P<secret>(?=[A-Za-z._~+/-]{0,4000}[0-9=])[A-Za-z0-9._~+/=-]{16,4096}"
        r"|[A-Za-z0-9._~+/=-]{40,4096})",
        folded=True,
    ),
    _secret("cookie", "cookie:", r"cookie:[ \t]{0,4}(?P<secret>[^\s\"'][^\n\r\"']{3,4096})", folded=True),
    _secret(
        "url_token",
        "token= sig= signature=",
        r"[?&](?:[a-z_-]{0,20}token|sig|(?:x-amz-)?signature)=(?P<secret>[^&\s\"'<>\\]{12,2000})",
        folded=True,
    ),
    _secret(
        "url_password",
        r":// :\/\/",  # some JSON writers escape the slash
        r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}:(?:\\?/){2}[^\s:@/\"'<>]{0,100}:(?P<secret>[^\s@/\"'<>]{1,200})@",
        also="@",
    ),
    _secret(
        "discord_webhook",
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/\d{10,25}/(?P<secret>[A-Za-z0-9_-]{30,100})",
    ),
    _secret(
        "command_line",  # --password hunter2; curl -u user:password has the next one
        "--pass --token --secret --api --client-secret --access --auth",
        r"--(?:pass(?:word|wd|phrase)?|token|secret|api-?(?:key|token)|client-secret|access-(?:key|token)|auth-token)"
        r"(?:=|[ \t]{1,4})[\"']?(?P<secret>[^\s\"'\\-][^\s\"'\\]{3,400})",
        folded=True,
    ),
    _secret(
        "command_line",
        "curl wget",
        r"\b(?:curl|wget)\b[^\n]{0,300}?[ \t](?:-u|--user)[ =]?[\"']?[^\s:\"'\\]{1,100}:(?P<secret>[^\s\"'\\]{1,200})",
        also=":",
    ),
    _secret(
        "xml_password",
        "password> passwd> secret> apikey> api_key>",
        r"<[a-z0-9:_.-]{0,40}(?:password|passwd|secret|api_?key)>(?P<secret>[^<>\s][^<>]{0,400})</",
        folded=True,
    ),
    _secret("twilio_key", "SK", _START + r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    _secret("sendgrid_key", "SG.", _START + r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    _secret("mailgun_key", "key-", _START + r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    _secret("package_token", "npm_ pypi-", _START + r"(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,300})"),
    _secret("databricks_token", "dapi", _START + r"dapi[0-9a-f]{32}"),
    _secret("digitalocean_token", "dop_v1_ doo_v1_ dor_v1_", _START + r"do[opr]_v1_[0-9a-f]{64}"),
    _secret("shopify_token", "shp", _START + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _secret("square_token", "sq0", _START + r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,60}"),
    _secret("vault_token", "hvs. hvb.", _START + r"hv[sb]\.[A-Za-z0-9_-]{24,300}"),
    _secret("grafana_token", "glsa_ glc_", _START + r"(?:glsa|glc)_[A-Za-z0-9_+/=]{32,400}"),
    _secret("azure_key", "AccountKey=", r"AccountKey=(?P<secret>[A-Za-z0-9+/=]{40,120})"),
    _secret("telegram_token", ":AA", _START + r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    _secret("atlassian_token", "ATATT3", _START + r"ATATT3[A-Za-z0-9_=-]{50,300}"),
    _secret("linear_key", "lin_api_", _START + r"lin_api_[A-Za-z0-9]{30,60}"),
    _secret("langsmith_key", "lsv2_", _START + r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _secret("new_relic_key", "NRAK-", _START + r"NRAK-[A-Z0-9]{27}"),
    _secret(
        "notion_token", "ntn_ secret_", _START + r"(?:ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43})(?![A-Za-z0-9])"
    ),
    _secret("docker_token", "dckr_pat_", _START + r"dckr_pat_[A-Za-z0-9_-]{20,60}"),
    _secret("tailscale_key", "tskey-", _START + r"tskey-[a-z]{2,10}-[A-Za-z0-9-]{15,100}"),
    _secret("figma_token", "figd_", _START + r"figd_[A-Za-z0-9_-]{20,100}"),
    _secret("postman_key", "PMAK-", _START + r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _secret("langfuse_key", "sk-lf-", _START + r"sk-lf-[0-9a-f-]{36}"),
)

SECRET_KEYS = frozenset(
    [
        "password", "passwd", "pwd", "passphrase", "secret", "secretkey", "secretaccesskey", "clientsecret", "apikey",
        "apisecret", "accesstoken", "refreshtoken", "idtoken", "authtoken", "bearertoken", "sessiontoken", "privatekey",
        "authorization", "proxyauthorization", "cookie", "setcookie", "xapikey", "xauthtoken", "signingsecret",
        "connectionstring", "dbpassword", "encryptionkey", "webhooksecret", "cvv", "cvc", "secretkeybase",
        "secretvalue", "pass", "dbpass", "userpass", "smtppass", "ftppass", "mysqlpass", "pgpass", "rootpass",
        "adminpass",
    ]
)  # fmt: skip
"""Field names whose whole value is secret: lower case, without ``_``, ``-``, dots and spaces."""

SECRET_KEY_ENDINGS = (
    "password", "passwd", "passphrase", "secret", "apikey", "accesstoken", "refreshtoken", "privatekey", "secretkey",
    "authtoken", "sessiontoken", "accesskey", "storagekey", "accountkey", "signingkey", "masterkey", "encryptionkey",
)  # fmt: skip
"""Endings that make a longer field name secret (``stripe_api_key``, ``AWS_SECRET_ACCESS_KEY``)."""

PLAIN_TOKENS = ("page", "next", "continuation", "sync", "cursor", "client", "idempotency", "pagination", "resume")
"""Tokens that open nothing: what stands before ``token`` in their names. Any other long one is a credential."""

KEY_STEMS = (
    "pass", "pwd", "secret", "token", "authorization", "cookie", "cvv", "cvc", "apikey", "api_key",
    "api-key", "api key", "privatekey", "private_key", "private-key", "private key", "encryptionkey", "encryption_key",
    "encryption-key", "accesskey", "access_key", "access-key", "access key", "storagekey", "storage_key", "storage-key",
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
