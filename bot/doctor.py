"""``pullcord doctor``: proves each connection by a round trip, and says what to do where one fails."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from rich.console import Console
from rich.table import Table

from bot.doctor_controls import control_findings
from bot.doctor_findings import Finding, Health, each
from bot.doctor_slack import slack_findings
from bot.engine.stores import TraceStores
from bot.errors import Misconfigured
from bot.evidence.chosen import elsewhere
from bot.open_store import open_store
from bot.plugin import Registry
from bot.plugin_faults import registry_of
from bot.recorder.redact import Redactor
from bot.settings import Settings

_PROBE = b"pullcord doctor: written and read back"


async def examine(settings: Settings, console: Console | None = None) -> int:
    """Run every check and print what was seen. Exit status 0 when none is bad."""
    findings: list[Finding] = []
    registry = await _into(findings, "plug-ins", lambda: _plugins(settings))
    await each(findings, (("store", lambda: _store(settings)), ("page", lambda: _page(settings))))
    if settings.environment.slack_bot_token is None:
        told = "SLACK_BOT_TOKEN is not set: nobody is told anything in Slack"
        findings.append(
            Finding("Slack", Health.BAD, told, "Create the app from `pullcord manifest`, then set the token.")
        )
    else:
        await slack_findings(settings, registry, findings)
    await _trace_stores(settings, registry, findings)
    await control_findings(settings, registry, findings)
    await each(findings, (("evidence", lambda: _evidence(settings)),))
    kept, cases = settings.catalogue_repository.remote, settings.evals.remote
    host = settings.evals.repository
    hidden = "evals.remote is not set: Open eval case is hidden, unless evals.datasets names a data set"
    hidden = hidden if host is None else f"cases go to controls.{host}; see its line above"
    store_only = "catalogue_repository.remote is not set: classes that people give tools are kept in the store only"
    await each(
        findings,
        (
            (
                "eval repository",
                lambda: _repository("eval repository", None if host else cases, "evals.remote", hidden),
            ),
            ("catalogue", lambda: _repository("catalogue", kept, "catalogue_repository.remote", store_only)),
            ("agents", lambda: _agents(settings)),
        ),
    )
    _print(findings, console or (Console() if sys.stdout.isatty() else Console(width=160)))
    return 1 if any(f.health is Health.BAD for f in findings) else 0


async def _into(
    findings: list[Finding], name: str, check: Callable[[], Awaitable[tuple[Finding, Registry]]]
) -> Registry | None:
    try:
        finding, registry = await check()
    except Misconfigured as error:
        findings.append(Finding(name, Health.BAD, str(error)))
        return None
    findings.append(finding)
    return registry


async def _plugins(settings: Settings) -> tuple[Finding, Registry]:
    registry = registry_of(settings)
    counts = (len(registry.actions), len(registry.alert_sources), len(registry.interactions))
    seen = "{} actions, {} alert sources, {} Slack interactions".format(*counts)
    return Finding("plug-ins", Health.GOOD, seen), registry


async def _store(settings: Settings) -> list[Finding]:
    async with open_store(settings, guest=True) as store:
        await store.ping()
        token = await store.sessions.link("doctor", ())
        if await store.sessions.redeem(token) is None:
            return [
                Finding(
                    "store",
                    Health.BAD,
                    "what was written could not be read back",
                    "Look at the server's memory policy.",
                )
            ]
        depth, background = await store.work.depth(), await store.background.depth()
    where = "PULLCORD_REDIS_URL" if settings.environment.redis_url else f"embedded in {settings.data_dir}"
    found = [
        Finding(
            "store",
            Health.GOOD,
            f"written and read back ({where}); {depth.waiting} waiting, {depth.due} due, "
            f"{background.waiting + background.due} runs to be indexed",
        )
    ]
    if depth.dead:
        found.append(
            Finding(
                "work", Health.BAD, f"{depth.dead} items were given up", "See the log for why, then resolve by hand."
            )
        )
    return found


async def _page(settings: Settings) -> list[Finding]:
    environment = settings.environment
    if not environment.api_token:
        return [Finding("read API", Health.NOTE, "PULLCORD_API_TOKEN is not set: only links from Slack open the page")]
    return [Finding("read API", Health.GOOD, f"served at {settings.base_url}")]


async def _trace_stores(settings: Settings, registry: Registry | None, findings: list[Finding]) -> None:
    """Each one by a harmless read with its own credentials; one that cannot be asked hides no other."""
    if registry is None:
        return
    try:
        stores = TraceStores(registry, settings)
    except Misconfigured as error:
        findings.append(Finding("trace stores", Health.BAD, str(error)))
        return

    def check(name: str) -> Callable[[], Awaitable[list[Finding]]]:
        async def ping() -> list[Finding]:
            seen = Redactor().text(await stores.ping(name))
            agents = [agent for agent, configured in settings.agents.items() if name in configured.traces]
            serves = ", ".join(agents) or "every agent"
            return [Finding(f"trace store {name}", Health.GOOD, f"{seen[:200]}; asked for runs of {serves}")]

        return ping

    await each(findings, tuple((f"trace store {name}", check(name)) for name in settings.trace_stores))


async def _evidence(settings: Settings) -> list[Finding]:
    """Write a few bytes to where evidence goes and read them back; the same bytes each time, so one object at most."""
    evidence, place = settings.recorder.evidence, elsewhere(settings)
    if place is None:
        return []
    name = await place.put(_PROBE)
    if await place.get(name) != _PROBE:
        told = f"{evidence.store}: what was written did not come back"
        return [Finding("evidence", Health.BAD, told, "Look at recorder.evidence.")]
    where = evidence.directory if evidence.store == "directory" else f"bucket {evidence.bucket}"
    return [Finding("evidence", Health.GOOD, f"written and read back ({where})")]


async def _repository(what: str, remote: str | None, setting: str, without: str) -> list[Finding]:
    if remote is None:
        return [Finding(what, Health.NOTE, without)]
    if shutil.which("git") is None:
        return [Finding(what, Health.BAD, "git is not installed", "Install git.")]
    process = await asyncio.create_subprocess_exec(
        "git", "ls-remote", "--heads", "--", remote,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"}, start_new_session=True,
    )  # fmt: skip
    try:
        out, told = await process.communicate()
    finally:
        if process.returncode is None:  # too slow, and its transport's child with it
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        words = told.decode(errors="replace").strip().splitlines()
        why = Redactor().text(words[-1]) if words else "git failed"
        return [Finding(what, Health.BAD, f"{remote} cannot be read: {why}", f"See {setting}.")]
    return [Finding(what, Health.GOOD, f"{len(out.splitlines())} branches read")]


async def _agents(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    async with open_store(settings, guest=True) as store:
        for name, agent in settings.agents.items():
            if agent.token is None:
                found.append(Finding(f"agent {name}", Health.NOTE, "has no token: it cannot read what restrains it"))
                continue
            reads = await store.desired.reads(name)
            if not reads:
                step = "Start the agent with the guard (examples/guard) and its token."
                found.append(Finding(f"agent {name}", Health.NOTE, "has never read its state", step))
                continue
            newest = max(read.at for read in reads.values())
            found.append(
                Finding(f"agent {name}", Health.GOOD, f"last read its state at {newest:%Y-%m-%d %H:%M:%S} UTC")
            )
    return found


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _print(findings: list[Finding], console: Console) -> None:
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for heading in ("", "what", "seen", "what to do"):
        table.add_column(heading, overflow="fold")
    marks = {Health.GOOD: "[green]✓[/]", Health.NOTE: "[yellow]•[/]", Health.BAD: "[red]✗[/]"}
    for one in findings:
        table.add_row(marks[one.health], one.name, one.seen.replace("[", r"\["), one.next_step.replace("[", r"\["))
    console.print(table)
    bad = sum(f.health is Health.BAD for f in findings)
    console.print("Everything that was tried works." if not bad else f"{bad} to mend.")
