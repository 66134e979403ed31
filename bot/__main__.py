"""The command line. A newcomer's first file: each command is a few lines that call what does the work."""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bot.errors import Misconfigured, PullcordError

app = typer.Typer(
    name="pullcord",
    help="Pages the right person when an AI agent goes wrong, shows what cannot be undone, contains it with buttons.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_SLACK = {
    None: "Slack not configured, so nobody would be told (SLACK_BOT_TOKEN)",
    "socket": "Slack in Socket Mode",
    "http": "Slack over HTTP",
}

_Config = Annotated[Path | None, typer.Option("--config", help="Default: PULLCORD_CONFIG, else pullcord.yaml here.")]
_Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help="Such as INC-42.")]


@app.command()
def serve(
    config: _Config = None,
    only: Annotated[
        Literal["web", "worker"] | None, typer.Option(help="To scale out; default: both in one process.")
    ] = None,
) -> None:
    """Run Pullcord: intake, flight recorder, control plane, Slack, paging and the page."""
    from bot.app import serve as run

    settings = _settings(lambda: _load(config))
    _run(run(settings, only))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(context: typer.Context) -> None:
    """Show all of it on this machine: a stand-in Slack in the browser, a small agent that goes wrong, and the bot."""
    from sandbox.demo import main as run_demo

    raise typer.Exit(run_demo(context.args))


@app.command()
def doctor(config: _Config = None) -> None:
    """Prove each connection by a round trip, and say what to do where one fails."""
    from bot.doctor import examine

    settings = _settings(lambda: _load(config))
    raise typer.Exit(asyncio.run(examine(settings)))


@app.command("check-config")
def check_config(config: _Config = None) -> None:
    """Check the environment and the configuration without starting anything: every fault at once, with its line."""
    settings = _settings(lambda: _load(config))
    where = settings.config_path or "no file, defaults"
    typer.echo(
        f"The configuration is good ({where}): {len(settings.agents)} agents, {len(settings.sources)} alert sources, "
        f"{_SLACK[settings.slack_mode]}."
    )


@app.command()
def manifest(
    config: Annotated[
        Path | None, typer.Option("--config", help="For the plug-ins that it names; default: the built-in ones.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="For HTTP mode: https://…/slack/events. Default: Socket Mode.")
    ] = None,
) -> None:
    """Print the Slack app manifest (JSON) with exactly the scopes that are used."""
    from bot.registry import discover
    from bot.slack.manifest import manifest_text

    plugins = ("handlers", "runbooks") if config is None else _settings(lambda: _load(config)).plugins
    typer.echo(_settings(lambda: manifest_text(discover(plugins), request_url=url)), nl=False)


@app.command()
def verify(
    what: Annotated[str, typer.Argument(metavar="INCIDENT|FILE", help="Such as INC-42, or a file of `export`.")],
    head: Annotated[str | None, typer.Option(help="SEQ:CODE as posted to the thread; finds a truncation.")] = None,
    config: _Config = None,
) -> None:
    """Check an incident's timeline and evidence, or an exported bundle offline; names what does not fit first.

    Exit 1 when something does not.
    """
    from bot.records import verify_bundle, verify_incident

    settings = _settings(lambda: _load(config))

    async def check() -> Any:
        if _is_file(what):
            return verify_bundle(settings, Path(what))
        return await verify_incident(settings, what, head)

    verdict = _run(check())
    typer.echo(verdict.text)
    raise typer.Exit(0 if verdict.ok else 1)


@app.command()
def export(
    incident: _Incident,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; default standard output.")] = None,
    config: _Config = None,
) -> None:
    """Write an incident as one self-contained bundle: timeline, runs, effects, rules, hashes (docs/evidence.md)."""
    from bot.records import export_incident, export_to

    settings = _settings(lambda: _load(config))
    if output is None:
        written = _run(export_incident(settings, incident, sys.stdout.buffer))
        sys.stdout.flush()
    else:
        written = _run(export_to(settings, incident, output))
        typer.echo(
            f"Wrote {output} ({written.size:,} bytes: {written.entries} entries, {written.runs} runs).", err=True
        )
    for sentence in written.missing:
        typer.echo(f"Not in it: {sentence}", err=True)


@app.command()
def drill(
    agent: Annotated[str | None, typer.Option("--agent", help="Default: the first one of the configuration.")] = None,
    config: _Config = None,
) -> None:
    """Open an incident to practise on, in the Pullcord that runs: every button works, nothing is written."""
    from bot.drill_client import ask_for_drill

    settings = _settings(lambda: _load(config))
    typer.echo(_run(ask_for_drill(settings, agent)))


@app.command()
def mitigations(
    form: Annotated[
        Literal["text", "json"], typer.Option("--format", help="json: for programs, one object per line.")
    ] = "text",
    config: _Config = None,
) -> None:
    """List all that is in force: on which agent, since when, until when, by whom, and what somebody changed outside."""
    from bot.in_force import list_mitigations

    settings = _settings(lambda: _load(config))
    for line in _run(list_mitigations(settings, as_json=form == "json")):
        typer.echo(line)


def _is_file(what: str) -> bool:
    """An incident's id names an incident, whatever files lie here."""
    return re.fullmatch(r"INC-\d+", what) is None and (Path(what).exists() or os.sep in what or "." in what)


def _load(config: Path | None) -> Any:
    """The settings, with what plug-ins and the redactor find in them."""
    from bot.plugin_faults import plugin_faults
    from bot.recorder.config_faults import config_faults
    from bot.settings import load_settings

    return load_settings(os.environ, config, further=lambda found: [*plugin_faults(found), *config_faults(found)])


def _settings(load: Callable[[], Any]) -> Any:
    """What ``load`` gives, or every fault on its own line and exit 2."""
    try:
        return load()
    except Misconfigured as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end; an error of ours is one sentence and exit 1, without a stack trace."""
    try:
        return asyncio.run(coroutine)
    except Misconfigured as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except PullcordError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    """The entry point ``pullcord``."""
    app()


if __name__ == "__main__":
    main()
