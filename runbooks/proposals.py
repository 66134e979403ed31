"""How a pull request that a verb opened is taken back: it is closed, and read back; never one that a person merged."""

from bot.domain.action import OnceResult, Verified
from bot.errors import ActionFailed, Refused
from bot.plugin import Once
from bot.ports import ClosesProposals, PullRequest


def undo_words(host: object) -> str:
    """What the button says of a result that this host can take back; empty where it cannot."""
    return "closes what was proposed and deletes its branch" if isinstance(host, ClosesProposals) else ""


async def closed(host: object, result: OnceResult) -> Once:
    """The plan that closes the proposal of a result. Only reads.

    Raises Refused where the host cannot close, nothing is there, or a person merged or closed it already.
    """
    branch = result.ref.partition("@")[0]
    if not isinstance(host, ClosesProposals):
        raise Refused("This place cannot close it.", next_step=f"Close it there: {result.url or result.ref}.")
    there = await host.proposed(branch)
    if there is None:
        raise Refused(f"There is nothing on the branch {branch} any more.", next_step="Nothing is left to take back.")
    if there.state != "open":
        step = "Revert it there." if there.state == "merged" else "Nothing is left to take back."
        raise Refused(f"It was {there.state} already: {there.url or branch}.", next_step=step)

    async def run_it(_key: str) -> OnceResult:
        await host.close(branch)
        seen = await host.proposed(branch)
        if seen is not None and seen.state == "merged":
            raise ActionFailed(f"Somebody merged it meanwhile: {seen.url or branch}.", next_step="Revert it there.")
        return _told(branch, seen, there)

    async def probe() -> OnceResult | None:
        seen = await host.proposed(branch)
        return None if seen is not None and seen.state != "closed" else _told(branch, seen, there)

    return Once(
        summary=f"closed what was proposed on {branch}",
        run=run_it,
        probe=probe,
        preview=f"Closes {there.url or branch} and deletes the branch {branch}.",
    )


def _told(branch: str, seen: PullRequest | None, before: PullRequest) -> OnceResult:
    gone = seen is None or seen.state == "closed"
    said = "is closed" if gone else f"is {seen.state if seen is not None else 'gone'} still"
    return OnceResult(
        summary=f"closed what was proposed on {branch}",
        ref=branch,
        url=before.url or None,
        verified=Verified.IN_FORCE if gone else Verified.MISMATCH,
        detail=f"{before.url or branch} {said}",
    )
