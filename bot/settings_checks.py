"""Checks of the configuration that look at more than one setting. Each returns faults; none raises."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from bot.errors import Fault
from bot.settings_schema import Configuration
from bot.settings_yaml import Document, Loc

_PREFIXES = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}


def environment_checks(variables: Mapping[str, str]) -> list[Fault]:
    """Variables that need, or exclude, each other."""
    given = {name for name, value in variables.items() if value.strip()}
    faults = []
    if "PULLCORD_REDIS_URL" in given and "PULLCORD_CHAIN_KEY" not in given:
        faults.append(
            Fault(
                "PULLCORD_CHAIN_KEY",
                "is required with PULLCORD_REDIS_URL: all replicas sign the timeline with it",
                "set it to what `openssl rand -hex 32` prints, the same for every replica, and keep a copy",
            )
        )
    if "SLACK_BOT_TOKEN" in given and not given & {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}:
        faults.append(
            Fault(
                "SLACK_APP_TOKEN",
                "is missing: with SLACK_BOT_TOKEN alone no click could reach Pullcord",
                "set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP mode)",
            )
        )
    faults += [
        Fault(
            name,
            "is not set while another Slack variable is",
            "it begins with xoxb-; see OAuth & Permissions of the app",
        )
        for name in ("SLACK_BOT_TOKEN",)
        if name not in given and given & {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}
    ]
    if "SLACK_SIGNING_SECRET" in given and not variables["SLACK_SIGNING_SECRET"].replace(",", " ").strip():
        faults.append(
            Fault("SLACK_SIGNING_SECRET", "holds only commas", "give the secret, or while it is rotated `new,old`")
        )
    for name, prefix in _PREFIXES.items():
        wrong = next(
            (p for p in _PREFIXES.values() if p != prefix and variables.get(name, "").strip().startswith(p)), None
        )
        if wrong is not None:
            faults.append(Fault(name, f"holds a token that begins with {wrong}", f"this one begins with {prefix}"))
    data_dir = Path(variables.get("PULLCORD_DATA_DIR", "").strip()).expanduser()
    if "PULLCORD_DATA_DIR" in given and data_dir.exists() and not data_dir.is_dir():
        faults.append(Fault("PULLCORD_DATA_DIR", "is not a directory", "name a directory that Pullcord may write to"))
    return faults


def configuration_faults(config: Configuration, document: Document, variables: Mapping[str, str]) -> list[Fault]:
    """Settings of the file that contradict each other or the environment."""
    faults: list[Fault] = []
    slack = config.slack
    if slack.incident_channel == "fixed" and slack.announce_channel is None:
        faults.append(
            Fault(
                document.where(("slack", "incident_channel")),
                "`slack.incident_channel: fixed` needs `slack.announce_channel`",
                "the card stands in that channel; give its id",
            )
        )
    faults += _slack_mode(slack.mode, document, variables)
    faults += [
        Fault(
            document.where(("sources", name)),
            f"`sources.{name}` has no credentials, so anyone who can reach it could page people",
            "give `bearer` or `basic`, or write `allow_unauthenticated: true` if that is meant",
        )
        for name, source in config.sources.items()
        if not source.has_credentials and not source.allow_unauthenticated
    ]
    faults += _shared_tokens(config, document, variables)
    faults += _evidence_faults(config, document)
    return faults


_NEEDED = {"socket": "SLACK_APP_TOKEN", "http": "SLACK_SIGNING_SECRET"}


def _slack_mode(mode: str | None, document: Document, variables: Mapping[str, str]) -> list[Fault]:
    """A mode without the secret that it needs would leave every button dead."""
    needed = _NEEDED.get(mode or "")
    if needed is None or not variables.get("SLACK_BOT_TOKEN", "").strip() or variables.get(needed, "").strip():
        return []
    reason = f"`slack.mode: {mode}` needs {needed}, which is not set"
    return [Fault(document.where(("slack", "mode")), reason, f"set {needed}, or take `slack.mode` out")]


def _evidence_faults(config: Configuration, document: Document) -> list[Fault]:
    """A place for evidence that cannot be used, and settings of one place beside another that would not be read."""
    evidence, loc = config.recorder.evidence, ("recorder", "evidence")
    faults: list[Fault] = []

    def fault(name: str, reason: str, hint: str) -> None:
        faults.append(Fault(document.where((*loc, name)), reason, hint))

    needed = {"directory": ("directory", "its path"), "s3": ("bucket", "its name")}.get(evidence.store)
    if needed is not None and getattr(evidence, needed[0]) is None:
        reason = f"`recorder.evidence.store: {evidence.store}` needs `recorder.evidence.{needed[0]}`"
        fault("store", reason, f"give {needed[1]}")
    for name, store in (("directory", "directory"), ("bucket", "s3"), ("endpoint", "s3"), ("region", "s3")):
        if getattr(evidence, name) is not None and evidence.store != store:
            reason = f"`recorder.evidence.{name}` is not used with `store: {evidence.store}`"
            fault(name, reason, f"write `store: {store}`, or take it out")
    pair = {"access_key_id": evidence.access_key_id, "secret_access_key": evidence.secret_access_key}
    given = [name for name, value in pair.items() if value is not None]
    if len(given) == 1:
        (missing,) = set(pair) - set(given)
        reason = f"`recorder.evidence.{given[0]}` is given without `recorder.evidence.{missing}`"
        fault(given[0], reason, "give both, or neither for the machine's own credentials")
    if evidence.store == "directory" and evidence.directory is not None:
        path = Path(evidence.directory).expanduser()
        if path.exists() and not path.is_dir():
            reason = "`recorder.evidence.directory` is not a directory"
            fault("directory", reason, "name a directory that Pullcord may write to")
    return faults


def _shared_tokens(config: Configuration, document: Document, variables: Mapping[str, str]) -> list[Fault]:
    """The token decides the agent, so no two agents may share one, nor an agent have a token of the whole service."""
    seen: dict[str, tuple[str, str]] = {}
    for name in ("PULLCORD_API_TOKEN", "PULLCORD_OTLP_TOKEN"):
        if value := variables.get(name, "").strip():
            seen[value] = ("", name)
    faults = []
    for agent, loc, secret in _tokens(config):
        value = secret.get_secret_value()
        owner, place = seen.setdefault(value, (agent, f"agents.{agent}.{loc[-1]}"))
        if owner != agent:
            reason = f"`agents.{agent}.{loc[-1]}` is the same token as {place}"
            faults.append(Fault(document.where(loc), reason, "the token tells who calls; give each agent its own"))
    return faults


def _tokens(config: Configuration) -> Iterator[tuple[str, Loc, SecretStr]]:
    for name, agent in config.agents.items():
        if agent.token is not None:
            yield name, ("agents", name, "token"), agent.token
        if agent.otlp_token is not None:
            yield name, ("agents", name, "otlp_token"), agent.otlp_token
