"""Where what was learnt goes, from the configuration: eval cases (``evals:``) and lasting fixes (``fixes:``).

The instances are control planes by name; a git remote stands for a code host without pull requests.
"""

from collections.abc import Mapping

from bot.errors import Refused
from bot.plugin import EvalFormats, EvalPlaces, Registry
from bot.ports import CodeHost, EvalRepository, FilePlace, RemoteHosts
from bot.settings import Settings

GIT_REMOTE = "git remote"
_GIT = "git"
"""The type of control plane that pushes to ``evals.remote``."""


def eval_formats(registry: Registry, settings: Settings) -> EvalFormats:
    """Every format of the registry, each made once."""
    made = {name: plugin.make() for name, plugin in sorted(registry.eval_formats.items())}
    return EvalFormats(default=settings.evals.format, by_name=made)


def eval_places(settings: Settings, formats: EvalFormats) -> EvalPlaces:
    """What verbs may know of ``evals:``."""
    evals = settings.evals
    repository = evals.repository or (GIT_REMOTE if evals.remote is not None else None)
    return EvalPlaces(repository, evals.datasets, tuple(formats.by_name), formats.default)


def fix_place(settings: Settings, agent: str) -> FilePlace | None:
    """What verbs may know of ``fixes.<agent>``; None where nothing is configured."""
    fix = settings.fixes.get(agent)
    if fix is None or (fix.repository is None and fix.remote is None):
        return None
    return FilePlace(branch=fix.branch, prompt=fix.prompt, tools=dict(fix.tools), config=fix.config)


def eval_repository(planes: Mapping[str, object], faults: Mapping[str, str], settings: Settings) -> object:
    """The one place where cases are pushed. Raises Refused with the reason where there is none."""
    evals = settings.evals
    if evals.repository is not None:
        return _meets(planes, faults, evals.repository, EvalRepository, "evals.repository")
    if evals.remote is None:
        raise Refused("no eval repository is configured (evals.remote or evals.repository)")
    return _meets(planes, faults, _GIT, EvalRepository, "evals.remote")


def code_host(planes: Mapping[str, object], faults: Mapping[str, str], settings: Settings, agent: str) -> object:
    """Where the agent's lasting fixes go. Raises Refused with the reason where there is none."""
    fix = settings.fixes.get(agent)
    where = f"fixes.{agent}"
    if fix is not None and fix.repository is not None:
        return _meets(planes, faults, fix.repository, CodeHost, f"{where}.repository")
    if fix is None or fix.remote is None:
        raise Refused(f"no repository is configured for {agent or 'this agent'} ({where}.repository or .remote)")
    hosts = next((plane for plane in planes.values() if isinstance(plane, RemoteHosts)), None)
    if hosts is None:
        raise Refused(f"nothing here pushes to a git remote ({where}.remote)")
    return hosts.at(fix.remote, f"the repository of {agent}", f"{where}.remote")


def _meets(planes: Mapping[str, object], faults: Mapping[str, str], name: str, port: type, where: str) -> object:
    found = planes.get(name)
    if found is None:
        raise Refused(faults.get(name, f"there is no control plane {name} ({where})"))
    if not isinstance(found, port):
        raise Refused(f"{name} does not keep code ({where})")
    return found
