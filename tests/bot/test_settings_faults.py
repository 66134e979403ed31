"""Every fault is reported at once, with its place, the reason and what to write instead."""

from pathlib import Path

import pytest

from bot.errors import Fault, Misconfigured
from bot.settings import Settings, load_settings


def faults_of(tmp_path: Path, text: str, variables: dict[str, str] | None = None) -> tuple[Fault, ...]:
    """The faults of a file with this text; the names of files are cut to ``line`` or the variable."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        load_settings(variables or {}, path)
    return tuple(Fault(fault.where.removeprefix(f"{path}:"), fault.reason, fault.hint) for fault in caught.value.faults)


def test_many_faults_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Nobody should correct a file ten times; checks across settings are not hidden by faults elsewhere."""
    text = """\
slack:
  announce_chanel: C0INCIDENTS
  incident_channel: fixd
roles: {responder: [U0DANA, "@lee"]}
agents:
  refund-bot:
    on_call: U0DANA
    repage_after: 5 parsecs
    token: ${NOT_SET}
  other: {tokn: '${A}'}
sources:
  alertmanager: {labels: {agent: agent}}
  generic: {bearer: hunter2}
tools:
  - name: a
recorder: {max_body: lots, trace_ttl: 0s}
severity: {many_runs: "many"}
"""
    variables = {"PULLCORD_PORT": "80a", "PULLCORD_REDIS_URL": "redis://r", "A": "a"}
    faults = faults_of(tmp_path, text, variables)
    assert [(fault.where, fault.reason) for fault in faults] == [
        ("2", "`slack.announce_chanel` is not a setting"),
        ("3", "`slack.incident_channel` should be 'new' or 'fixed'"),
        ("4", "`roles.responder[1]` should be a Slack user id or user group id"),
        ("7", "`agents.refund-bot.on_call` should be a list"),
        ("8", "`agents.refund-bot.repage_after` should be a duration"),
        ("9", "`agents.refund-bot.token`: the environment variable NOT_SET is not set"),
        ("10", "`agents.other.tokn` is not a setting"),
        ("12", "`sources.alertmanager` has no credentials, so anyone who can reach it could page people"),
        ("13", "`sources.generic.bearer[0]`: a secret must not be written here"),
        ("15", "`tools[0].reversibility` is missing"),
        ("16", "`recorder.trace_ttl` should be longer than nothing and at most ten years"),
        ("16", "`recorder.max_body` should be a size"),
        ("17", "`severity.many_runs` should be a whole number"),
        ("PULLCORD_CHAIN_KEY", "is required with PULLCORD_REDIS_URL: all replicas sign the timeline with it"),
        ("PULLCORD_PORT", "should be a whole number"),
    ]


def test_the_message_lists_each_fault_on_its_own_line(tmp_path: Path) -> None:
    """What an operator sees when a start is refused."""
    path = tmp_path / "pullcord.yaml"
    path.write_text("agnets: {}\n", encoding="utf-8")
    with pytest.raises(Misconfigured) as caught:
        load_settings({"PULLCORD_PORT": "x"}, path)
    assert str(caught.value).splitlines() == [
        "The configuration has 2 faults. Correct them; `pullcord check-config` checks again without starting anything.",
        f"{path}:1: `agnets` is not a setting (did you mean `agents`?)",
        "PULLCORD_PORT: should be a whole number",
    ]


@pytest.mark.parametrize(
    ("text", "where", "reason", "hint"),
    [
        ("agents:\n  a:\n\tb: 1", "3", "found character '\\t' that cannot start any token", "spaces, not tabs"),
        ("a: [1", "1", "expected ',' or ']', but got '<stream end>'", "brackets"),
        ("sources:\n  a: {bearer: ${T}}", "2", "expected ',' or '}', but got '{'", "quotes: '${NAME}'"),
        ("a: [\n", "2", "expected the node content, but found '<stream end>'", "brackets"),
        ("- a", "1", "the file must be a mapping of settings", "agents:"),
        ("just words", "1", "the file must be a mapping of settings", "agents:"),
        ("evals: {}\n---\nevals: {}", "2", "there is a second document in the file", "---"),
        ("evals:\n  branch: a\n  branch: b", "3", "`branch` is given twice, first on line 2", "keep one"),
        ("roles: {}\nroles: {}", "2", "`roles` is given twice, first on line 1", "keep one"),
        ("agents: {a: {token: $T, token_file: f}}", "1", "`token_file` is given beside `token` of line 1", "keep one"),
        ("? [a]\n: b", "1", "a key must be plain text", "quotes"),
        ("true: b", "1", "a key must be plain text", "quotes"),
        ("evals: !!python/object:os.system {}", "1", "the tag !!python/object:os.system is not read here", "plain"),
        ("evals: {branch: !env X}", "1", "the tag !env is not read here", "plain"),
        ("evals: [1]", "1", "`evals` should be a mapping", "name: value"),
        ("agents: {a: }", "1", "`agents.a` should be a mapping", "name: value"),
        ("agents: {a: {models: [1.5]}}", "1", "`agents.a.models[0]` should be text", "quotes"),
        ("public_url: ftp://x", "1", "`public_url` should be a base address", ""),
        ("public_url: https://user:pw@x", "1", "`public_url` should be a base address", ""),
        ("public_url: ${URL}", "1", "`public_url` cannot be given as ${URL}", "only secrets"),
        ("slack: {incident_channel: fixed}", "1", "`slack.incident_channel: fixed` needs `slack.announce_ch", "id"),
        (
            "evals: {zzz: 1}",
            "1",
            "`evals.zzz` is not a setting",
            "known: remote, repository, datasets, branch, directory, format",
        ),
        (
            "tools: [{name: a, reversibility: read_only, when: {arguments.x: {exsts: true}}}]",
            "1",
            "`tools[0].when.arguments.x.exsts` is not a setting",
            "`exists`",
        ),
        ("sources: {a: {basic: [{username: u, pasword_file: f}]}}", "1", "`sources.a.basic[0].password` is mis", ""),
        ("agents: {a: {tools: {x: y}}}", "1", "`agents.a.tools` should be a list", "- "),
        ("agents: {a: {token_file: '${T}'}}", "1", "`token_file` is the path of a file, as it is", "the path itself"),
        ("slack: {announce_channel: '#incidents'}", "1", "`slack.announce_channel` should be a Slack channel", "C012"),
        ("plugins: [os; rm]", "1", "`plugins[0]` has characters that are not allowed", "match"),
        ("evals: {directory: ../x}", "1", "`evals.directory` should be a directory inside the repository", ""),
        ("evals: {branch: -f}", "1", "`evals.branch` has characters that are not allowed here", ""),
        ("recorder: {redact: {patterns: ['(']}}", "1", "`recorder.redact.patterns[0]` should be a regular exp", ""),
        ("recorder: {trace_ttl: 99999999d}", "1", "`recorder.trace_ttl` should be longer than nothing and at", ""),
        (f"recorder: {{trace_ttl: {'9' * 400}d}}", "1", "`recorder.trace_ttl` should be a duration", "24h"),
        ("severity: {many_runs: 1e999}", "1", "this number cannot be read", "shorter"),
        ("tools: [{reversibility: reversable, name: a}]", "1", "`tools[0].reversibility` should be", "`reversible`"),
        ("tools: [{reversibility: read_only}]", "1", "`tools[0]`: give exactly one of name, names, pattern", ""),
        ("tools: [{name: a, reversibility: read_only, target: '{x}'}]", "1", "`tools[0].target`", ""),
        ("sources: {a: {basic: {username: u}}}", "1", "`sources.a.basic[0].password` is missing", ""),
        ("sources: {a: {allow_unauthenticated: maybe}}", "1", "`sources.a.allow_unauthenticated` should be tr", ""),
        (f"severity: {{many_runs: {'9' * 5000}}}", "1", "this number cannot be read", "shorter"),
    ],
)
def test_a_fault_says_where_it_is_what_is_wrong_and_what_to_write(
    tmp_path: Path, text: str, where: str, reason: str, hint: str
) -> None:
    """One fault of each kind."""
    fault, *_ = faults_of(tmp_path, text)
    assert fault.where == where
    assert fault.reason.startswith(reason)
    assert hint in fault.hint


@pytest.mark.parametrize(
    ("variables", "where", "reason", "hint"),
    [
        ({"PULLCORD_REDIS_URL": "redis://x"}, "PULLCORD_CHAIN_KEY", "is required with", "openssl rand"),
        ({"PULLCORD_REDIS_URL": "http://x", "PULLCORD_CHAIN_KEY": "k" * 32}, "PULLCORD_REDIS_URL", "should start", ""),
        ({"PULLCORD_CHAIN_KEY": "short"}, "PULLCORD_CHAIN_KEY", "is too short", ""),
        ({"PULLCORD_REDIS_URI": "redis://x"}, "PULLCORD_REDIS_URI", "is not a variable", "PULLCORD_REDIS_URL"),
        ({"SLACK_BOTTOKEN": "x"}, "SLACK_BOTTOKEN", "is not a variable", "SLACK_BOT_TOKEN"),
        ({"PULLCORD_PORT": "tcp://10.0.0.1:80"}, "PULLCORD_PORT", "should be a whole number", "enableServiceLinks"),
        ({"PULLCORD_PORT": "70000"}, "PULLCORD_PORT", "should be less than or equal to 65535", ""),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN", "is missing", "SLACK_SIGNING_SECRET"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN", "is not set while", "xoxb-"),
        (
            {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xapp-1"},
            "SLACK_BOT_TOKEN",
            "holds a token that begins with xapp-",
            "xoxb-",
        ),
        ({"SLACK_API_URL": "slack.com/api"}, "SLACK_API_URL", "should be a base address", ""),
        ({"PULLCORD_DATA_DIR": "/dev/null"}, "PULLCORD_DATA_DIR", "is not a directory", ""),
    ],
)
def test_a_fault_of_the_environment_names_the_variable(
    tmp_path: Path, variables: dict[str, str], where: str, reason: str, hint: str
) -> None:
    """The place of a fault in the environment is the variable's name."""
    (fault,) = faults_of(tmp_path, "", variables)
    assert fault.where == where
    assert fault.reason.startswith(reason)
    assert hint in fault.hint


def test_variables_of_other_programs_are_no_faults(tmp_path: Path) -> None:
    """Kubernetes and others set variables that begin like ours; only near misses of unset ones count."""
    path = tmp_path / "pullcord.yaml"
    path.write_text("", encoding="utf-8")
    variables = {
        "PULLCORD_SERVICE_HOST": "10.0.0.1",
        "PULLCORD_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "SLACK_WEBHOOK": "x",
        "PULLCORD_API_TOKEN": "a",
        "PULLCORD_API_TOKENS": "b",
    }
    assert load_settings(variables, path).environment.api_token is not None


def test_no_two_agents_share_a_token(tmp_path: Path) -> None:
    """The token decides the agent, so a shared one would let one agent read or speak for another."""
    text = """\
agents:
  a: {token: '${ONE}', otlp_token: '${ONE}'}
  b: {token: '${ONE}'}
  c: {otlp_token: '${ALL}'}
"""
    faults = faults_of(tmp_path, text, {"ONE": "one", "ALL": "all", "PULLCORD_OTLP_TOKEN": "all"})
    assert [(fault.where, fault.reason) for fault in faults] == [
        ("3", "`agents.b.token` is the same token as agents.a.token"),
        ("4", "`agents.c.otlp_token` is the same token as PULLCORD_OTLP_TOKEN"),
    ]


def test_faults_that_others_find_are_reported_together_with_ours(tmp_path: Path) -> None:
    """Plug-ins judge what is valid of the rest, so that one run of check-config shows everything."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(
        "sources:\n  acme: {allow_unauthenticated: true}\n  bad: {basic: 1}\nagents: {a: {x: 1}, b: {}}\n",
        encoding="utf-8",
    )

    def unknown_sources(settings: Settings) -> list[Fault]:
        assert list(settings.agents) == ["b"]
        return [Fault(settings.where("sources", name), f"nobody knows {name}") for name in settings.sources]

    with pytest.raises(Misconfigured) as caught:
        load_settings({}, path, unknown_sources)
    assert [(fault.where, fault.reason) for fault in caught.value.faults] == [
        (f"{path}:2", "nobody knows acme"),
        (f"{path}:3", "`sources.bad.basic` should be a list"),
        (f"{path}:4", "`agents.a.x` is not a setting"),
    ]
