"""The steps of ``pullcord demo --check`` about trust: a second person, an undo, and an end that comes by itself."""

import asyncio

from sandbox.demo.looking import Json, Looking, NotSeen, all_text, filled, not_yet, pressable

_SHORT = "PT12S"
"""A mitigation short enough to see its end (``mitigations.lengths`` of the demo's configuration)."""


class Trust(Looking):
    """One pass over what makes a button safe to press."""

    async def an_undo_needs_a_second_person(self) -> str:
        """@lee may revoke, not give back: refused, asks the commander, cannot approve it alone; @dana approves."""
        revoked = next(e for e in (await self.state())["executions"] if e["action"] == "revoke_tool" and e["verified"])
        await self._undo("U0LEE", revoked["id"])
        refusal = await self._ephemeral("U0LEE", "Ask @commander")
        await self._click("U0LEE", refusal, "Ask @commander")
        question = await self._thread("Approve")
        await self._click("U0LEE", question, "Approve")
        alone = await self.told("U0LEE", r"(?i)second person|somebody else|own request|not approve")
        await self._click("U0DANA", question, "Approve")

        async def look() -> Json | None:
            undone = [e for e in (await self.state())["executions"] if e["undo_of"] == revoked["id"]]
            return dict(undone[-1]) if undone and undone[-1]["verified"] == "in_force" else dict(not_yet(undone))

        done = dict(await self.until("the undo in force", look))
        approval = done["approval"] or {}
        if (done["by"], approval.get("by")) != ("U0LEE", "U0DANA"):
            raise NotSeen(f"asked by {done['by']}, approved by {approval}")
        return f"asked by @lee, who alone is told: {' '.join(alone.split()).partition('. ')[0]}; approved by @dana"

    async def undo_gives_it_back(self) -> str:
        """The restored tool is used again, and the careful model refunds what is owed."""
        report = await self.ask("cus_9Lm3", "Order 88160: the stylus is broken. My money back!")
        refunds = [e for e in report["effects"] if e["tool"] == "issue_refund" and e["outcome"] == "applied"]
        amounts = [e["arguments"].get("amount_minor", e["arguments"].get("amount_cents")) for e in refunds]
        if amounts != [1900]:
            raise NotSeen(f"refunded {amounts} of {[e['arguments'] for e in refunds]}")
        return "restored; the pinned model refunded exactly the 19.00 owed"

    async def a_pause_ends_by_itself(self) -> str:
        """Paused for 12 s: callers see the reason, the owner is asked before the end, the end is verified."""
        await self.slack.slash("U0LEE", self.channel, "/pullcord", "run pause_agent")
        view = await self.modal("U0LEE", "expires_in", "why")
        done = await self.slack.submit_view("U0LEE", view["id"], filled(expires_in=_SHORT, why="refunds are checked"))
        if done.get("errors"):
            raise NotSeen(f"the modal refused: {done['errors']}")
        paused = await self.execution("pause_agent", verified="in_force")
        refused = await self.ask("cus_7Pq1", "Hello?")
        if "refunds are checked" not in all_text(refused):
            raise NotSeen(f"the agent did not say why it is paused: {all_text(refused)[:300]}")

        async def asked() -> bool:
            words = [all_text(m) for m in await self.slack.mentions("U0LEE")]
            return any("Extend" in text and "lapse" in text for text in words) or bool(not_yet(words[-2:]))

        await self.until("@lee is asked what is to become of the pause", asked)

        async def ended() -> Json | None:
            ends = [e for e in (await self.state())["executions"] if e["undo_of"] == paused["id"]]
            return dict(ends[-1]) if ends and ends[-1]["verified"] == "in_force" else dict(not_yet(ends))

        end = dict(await self.until("the end of the pause, verified", ended))
        again = await self.ask("cus_7Pq1", "Where is my order 88140?")
        if "refunds are checked" in all_text(again):
            raise NotSeen("the agent is still paused")
        return f"ended by {end['by']}: {end['verified_detail']}; @lee was asked before"

    async def nothing_else_is_in_force(self) -> str:
        """``pullcord mitigations`` lists the pin, which lasts until tomorrow, and nothing that has ended."""
        done = await asyncio.to_thread(self.world.pullcord, "mitigations")
        if done.returncode or "gpt-x-2026-03-12" not in done.stdout or "paused" in done.stdout:
            raise NotSeen(done.stdout + done.stderr)
        return "the pin, and nothing else"

    # ------------------------------------------------------------------ pressing

    async def _undo(self, user: str, execution: str) -> None:
        await self.slack.slash(user, self.channel, "/pullcord", f"undo {execution}")
        shown = await self._ephemeral(user, "Undo")
        await self._click(user, shown, "Undo")

    async def _ephemeral(self, user: str, label: str) -> Json:
        async def look() -> Json | None:
            said = await self.slack.ephemerals(user, self.channel)
            return next((m for m in reversed(said) if _button(m, label)), None) or not_yet(said[-1:])

        return dict(await self.until(f"{user} sees {label!r}", look))

    async def _thread(self, label: str) -> Json:
        async def look() -> Json | None:
            said = await self.slack.messages(self.channel, thread_ts=self.root)
            return next((m for m in reversed(said) if _button(m, label)), None) or not_yet([m["text"] for m in said])

        return dict(await self.until(f"{label!r} in the thread", look))

    async def _click(self, user: str, message: Json, label: str) -> None:
        action_id, value = _button(message, label) or ("", None)
        await self.slack.click(user, self.channel, message["ts"], action_id, value)


def _button(message: Json, label: str) -> tuple[str, str | None] | None:
    shown = pressable(message.get("blocks") or [])
    return next((where for text, where in shown if text.startswith(label)), None)
