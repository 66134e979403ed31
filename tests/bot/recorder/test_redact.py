import json
import random
import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.recorder.redact import RedactionSettings, Redactor
from bot.recorder.secret_patterns import PATTERNS

ALNUM = string.ascii_letters + string.digits
RANDOM = random.Random(20)


def made(alphabet: str, length: int, must: str = "") -> str:
    """Random letters, so that no secret-like text stands in this file; ``must`` is worked in."""
    return must + "".join(RANDOM.choice(alphabet) for _ in range(length - len(must)))


HEX = "0123456789abcdef"
SECRETS = {
    "private_key": "-----BEGIN " + "RSA PRIVATE KEY-----\n" + made(ALNUM, 64) + "\n-----END RSA PRIVATE KEY-----",
    "aws_access_key": "AK" + "IA" + made(string.ascii_uppercase + string.digits, 16),
    "github_token": "gh" + "p_" + made(ALNUM, 36),
    "gitlab_token": "glpat" + "-" + made(ALNUM, 20),
    "slack_token": "xox" + "b-" + made(string.digits, 12) + "-" + made(ALNUM, 24),
    "slack_webhook": "https://hooks.slack.com/services/"
    + made(ALNUM, 9)
    + "/"
    + made(ALNUM, 11)
    + "/"
    + made(ALNUM, 24),
    "anthropic_key": "sk-" + "ant-api03-" + made(ALNUM, 60),
    "openai_key": "sk-" + "proj-" + made(ALNUM, 48, "7"),
    "model_provider_key": "gs" + "k_" + made(ALNUM, 52),
    "huggingface_token": "h" + "f_" + made(ALNUM, 34),
    "stripe_key": "sk_" + "live_" + made(ALNUM, 24),
    "webhook_secret": "whs" + "ec_" + made(ALNUM, 32),
    "google_key": "AI" + "za" + made(ALNUM, 35),
    "google_token": "ya" + "29." + made(ALNUM, 60),
    "jwt": "ey" + "J" + made(ALNUM, 30) + ".eyJ" + made(ALNUM, 60) + "." + made(ALNUM, 43),
    "authorization": "Bearer " + made(ALNUM, 40, "7"),
    "url_password": "postgres://app:" + made(ALNUM, 12) + "@db.internal:5432/shop",
    "twilio_key": "S" + "K" + made(HEX, 32),
    "sendgrid_key": "S" + "G." + made(ALNUM, 22) + "." + made(ALNUM, 43),
    "mailgun_key": "ke" + "y-" + made(HEX, 32),
    "package_token": "np" + "m_" + made(ALNUM, 36),
    "databricks_token": "da" + "pi" + made(HEX, 32),
    "digitalocean_token": "dop" + "_v1_" + made(HEX, 64),
    "shopify_token": "shp" + "at_" + made(HEX, 32),
    "square_token": "sq0" + "csp-" + made(ALNUM, 43),
    "vault_token": "hv" + "s." + made(ALNUM, 24),
    "grafana_token": "gl" + "sa_" + made(ALNUM, 32),
    "azure_key": "Account" + "Key=" + made(ALNUM, 86) + "==",
    "telegram_token": made("123456789", 9) + ":" + "AA" + made(ALNUM, 33),
    "atlassian_token": "ATA" + "TT3" + made(ALNUM, 60),
    "linear_key": "lin_" + "api_" + made(ALNUM, 40),
    "cookie": "Cookie: sid=" + made(ALNUM, 20) + "; theme=dark",
    "url_token": "https://h.example/x?page=1&sig=" + made(ALNUM, 30),
    "langfuse_key": "sk-" + "lf-" + made(HEX, 36),
    "discord_webhook": "https://discord.com/api/webhooks/" + made("123456789", 18) + "/" + made(ALNUM, 68),
    "command_line": "deploy --password " + made(ALNUM, 16),
    "xml_password": "<db:password>" + made(ALNUM, 30) + "</db:password>",
    "langsmith_key": "lsv2" + "_pt_" + made(HEX, 32) + "_" + made(HEX, 10),
    "new_relic_key": "NR" + "AK-" + made(string.ascii_uppercase + string.digits, 27),
    "notion_token": "nt" + "n_" + made(ALNUM, 46),
    "docker_token": "dckr" + "_pat_" + made(ALNUM, 27),
    "tailscale_key": "ts" + "key-auth-" + made(ALNUM, 30),
    "figma_token": "fi" + "gd_" + made(ALNUM, 40),
    "postman_key": "PM" + "AK-" + made(HEX, 24) + "-" + made(HEX, 34),
}


def test_every_pattern_has_a_made_secret() -> None:
    """The table above is complete, so that a new pattern cannot go untested."""
    assert set(SECRETS) == {secret.name for secret in PATTERNS}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("around", ["{}", "the key is {} .", "a={}\nb=1", '{{"note": "{}"}}', "x\\n{}\\ny"])
def test_a_secret_leaves_a_visible_mark_and_nothing_of_itself(name: str, around: str) -> None:
    """In plain text, in JSON, between escapes."""
    secret = SECRETS[name]
    text = around.format(secret.replace("\n", "\\n") if "note" in around else secret)
    cleaned, marks = Redactor().marked_text(text)
    assert "[redacted: " in cleaned
    assert marks
    longest = max(secret.replace("\n", " ").replace("/", " ").replace(":", " ").replace("@", " ").split(), key=len)
    assert longest not in cleaned


@pytest.mark.parametrize(
    "key",
    ["password", "api_key", "apiKey", "X-Api-Key", "client_secret", "stripe_secret_key", "db.password", "Set-Cookie"],
)
def test_a_secret_field_loses_its_value_in_every_form(key: str) -> None:
    """As a value's field, in JSON text, in JSON inside JSON, in a repr, and as key=value."""
    redactor, value = Redactor(), "hunter2-" + made(ALNUM, 12)
    for text in (
        json.dumps({key: value, "order_id": "A-1"}),
        json.dumps({"inner": json.dumps({key: value, "order_id": "A-1"})}),
        str({key: value, "order_id": "A-1"}),
        f"order_id=A-1 {key}={value} done",
        f'log: "{key}": "{value}", order_id: A-1',
    ):
        cleaned = redactor.text(text)
        assert value not in cleaned
        assert "A-1" in cleaned
    assert redactor.value({key: value, "n": [{key: {"deep": value}}]}) == {
        key: f"[redacted: {key.lower().replace('_', '').replace('-', '').replace('.', '')}]",
        "n": [{key: f"[redacted: {key.lower().replace('_', '').replace('-', '').replace('.', '')}]"}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "AWS_SECRET_ACCESS_KEY={}",
        "aws_secret_access_key = {}",
        "VAULT_TOKEN={} in the environment",
        "x-amz-security-token: {}",
        "DB_PASS={}",
        "SharedAccessKey={};EntityPath=x",
        "password2: {}",
        'password="it\'s {}"',
        "password='say \"{}\"'",
        'password="ab\\"{}"',
        'the text ends inside it: "password": "{}',
        "form: password%3D{}",
        "curl -s -u admin:{} https://x.example",
        "--token={} --verbose",
        '{{"name": "DB_PASSWORD", "value": "{}"}}',
        '[{{"key": "Authorization", "value": {{"stringValue": "{}"}}}}]',
        "export HEROKU_API_KEY='{}'",
    ],
)
def test_a_secret_is_taken_out_of_what_programs_really_print(text: str) -> None:
    """Environments, connection strings, command lines, lists of headers, texts that were cut off."""
    value = "7Q" + made(ALNUM, 24)
    cleaned = Redactor().text(text.format(value))
    assert value not in cleaned
    assert "[redacted: " in cleaned


def test_a_list_of_named_values_loses_only_the_secret_ones() -> None:
    """Variables and headers as many programs list them; what names a secret without holding one stays."""
    listed = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "REGION", "value": "eu-west-1"},
        {"name": "password", "type": "string", "description": "the new one"},
    ]
    assert Redactor().value(listed) == [{"name": "DB_PASSWORD", "value": "[redacted: dbpassword]"}, *listed[1:]]


def test_json_stays_json_even_when_the_secret_holds_quotes() -> None:
    """The value is replaced as a value, not as text."""
    held = {"password": 'a"b\\c', "amount_cents": 8400, "items": [1, 2]}
    assert json.loads(Redactor().text(json.dumps(held))) == {**held, "password": "[redacted: password]"}


@pytest.mark.parametrize(
    "text",
    [
        '{"order_id": "A-1009", "amount_cents": 8400, "currency": "USD"}',
        '{"max_tokens": 512, "input_tokens": 10, "next_page_token": "abcdefghijklmnop"}',
        "call_To6jjkKrBKVnDV0OhCSBvoMz paid 84.00 USD with credit_card_4421486",
        "a basic understanding of internationalization; bearer bonds; see https://example.com/a:b@c",
        "the secret: none, the token = null, cookies are off",
        "0af7651916cd43dd8448eb211c80319c 9d2c8a4e-1f4b-4a3f-8f53-6a1f5c1b7a90 task-risk-assessment-of-the-order",
        "password_reset_required: true",
        "passed: 12, pass: true, compass=north, bypass=yes, passengers: 3",
        "continuation_token=CAoQAA123456789abcdef clientToken: 9d2c8a4e1f4b4a3f8f53",
        "git push --force --tags; curl -s https://x.example/a:b; tests --pass 3",
        "mail jo@example.com about https://example.com/x:1",
    ],
)
def test_money_ids_and_prose_stay(text: str) -> None:
    """What the responder needs is not touched, and the very same text comes back."""
    assert Redactor().text(text) == text


def test_an_unchanged_value_comes_back_as_it_is() -> None:
    """No copy is made where nothing is secret."""
    value = {"a": [1, {"b": "x"}]}
    assert Redactor().value(value) is value


def test_configured_fields_and_patterns_are_redacted_too() -> None:
    """Fields in any spelling, patterns by their name."""
    redactor = Redactor(RedactionSettings(fields=("customer_ssn",), patterns={"member": r"MB-[0-9]{6}"}))
    cleaned = redactor.text('{"customerSSN": "123-45-6789", "note": "member MB-123456"}')
    assert json.loads(cleaned) == {"customerSSN": "[redacted: customerssn]", "note": "member [redacted: member]"}


@pytest.mark.parametrize("pattern", ["(a+)+b", ".*.*x", "a*", r"(\w)\1", "(", "x" * 400, "(?:a{1,50}){1,50}b"])
def test_a_pattern_that_could_be_slow_is_refused(pattern: str) -> None:
    """Repeats in repeats, back references, empty matches and broken ones are named at start."""
    with pytest.raises(ValidationError, match="'mine'"):
        RedactionSettings(patterns={"mine": pattern})


@pytest.mark.parametrize(
    "text",
    [
        "password" * 20_000,
        "a" * 200_000 + "=",
        '"password": "' + "\\" * 200_000,
        "eyJ" * 60_000,
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "x://" + ":" * 200_000,
        "bearer " * 30_000,
        "sk-" * 60_000,
        "key=" * 50_000,
        "{" * 100_000,
        "?token=" * 30_000,
        "curl -u " * 25_000,
        "curl " * 40_000 + ":",
        "--password " * 18_000,
        "<password>" * 20_000,
        "x://a:b" * 25_000 + "@",
        'password="' + "a'" * 100_000,
        "password='a\\" * 15_000,
    ],
)
def test_no_text_makes_redaction_slow(text: str) -> None:
    """Adversarial texts of about 200 kB take well under two seconds each."""
    start = time.perf_counter()
    Redactor().text(text)
    assert time.perf_counter() - start < 2


def test_ten_thousand_values_take_no_seconds() -> None:
    """The first look keeps the usual case quick (a span has about this size)."""
    redactor, value = Redactor(), {"gen_ai.input.messages": "please refund order A-1009 " * 20, "n": 1, "m": ["x"] * 5}
    start = time.perf_counter()
    for _ in range(10_000):
        redactor.value(value)
    assert time.perf_counter() - start < 5


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)


@given(value=json_values)
def test_redaction_is_stable(value: Any) -> None:
    """A second redaction changes nothing more, whatever the value."""
    redactor = Redactor()
    once = redactor.value(value)
    assert redactor.value(once) == once
