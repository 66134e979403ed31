"""The steps of ``pullcord demo --check``: one pass through the product, as its people would do it.

A step is green only when its effect was seen where it matters: in the shop, in the agent's answer, in the git
repository, on the page; not when a button was answered.
"""

import asyncio
import re

import httpx

from sandbox.demo.looking import WAIT, Json, NotSeen, all_text, filled, git, not_yet
from sandbox.demo.trust import Trust


class Journey(Trust):
    """One pass. Each method is a step; later ones use earlier ones."""

    async def the_agent_goes_wrong(self) -> str:
        """refund-bot refunds more than is owed and mails the customer."""
        self.bad = await self.ask("cus_81Kd", "Order 88123 came with a broken jug. My money back!")
        tables = await self.shop()
        refunded = sum(r["amount_minor"] for r in tables["refunds"])
        if refunded <= 4200 or not tables["mails"]:
            raise NotSeen(f"refunded {refunded}, {len(tables['mails'])} mails")
        return f"{refunded / 100:.2f} refunded where 42.00 was owed, one mail sent"

    async def an_incident_opens(self) -> str:
        """Its alert opens one incident that holds the run with its effects by reversibility."""

        async def look() -> Json | None:
            rows = (await self.api("/api/incidents"))["incidents"]
            if not rows:
                return None
            self.incident = rows[0]["id"]
            whole = await self.state()
            return whole if any(r["trace_id"] == self.bad["trace_id"] for r in whole["runs"]) else None

        whole = await self.until("an incident with the run", look)
        lost = [e for e in whole["effects"] if e["reversibility"] == "irreversible" and e["outcome"] != "failed"]
        if {e["tool"] for e in lost} != {"issue_refund", "send_email"}:
            raise NotSeen(f"irreversible: {[e['tool'] for e in lost]}")
        gaps = [g["field"] for r in whole["runs"] for g in r["gaps"]]
        if not any("seed" in g for g in gaps):
            raise NotSeen(f"gaps: {gaps}")
        return f"{self.incident} {whole['severity']}: {len(lost)} irreversible; not recorded: {', '.join(gaps)}"

    async def one_card_stands(self) -> str:
        """Its channel has exactly one root message; #incidents announces it; who is on call has a direct message."""

        async def look() -> Json | None:
            whole = await self.state()
            return whole if whole["root_ts"] else None

        whole = await self.until("the card", look)
        self.channel, self.root = whole["channel"], whole["root_ts"]

        async def shows_effects() -> bool:
            text = all_text(await self.slack.find_message(self.channel, ts=self.root) or {})
            return ("issue_refund" in text and "cannot be undone" in text) or bool(not_yet(text))

        await self.until("the card shows what cannot be undone", shows_effects)
        roots = [m for m in await self.slack.messages(self.channel) if m["ts"] == m.get("thread_ts", m["ts"])]
        if len([m for m in roots if m.get("blocks")]) != 1:
            raise NotSeen(f"{len(roots)} root messages: {[m['text'][:60] for m in roots]}")
        announced = await self.slack.wait_for_message("C0INCIDENTS", self.incident, timeout=WAIT)
        if "U0LEE" not in all_text(announced):
            raise NotSeen("the announcement mentions nobody")

        async def paged() -> bool:
            return any("Acknowledge" in all_text(m) for m in await self.slack.mentions("U0LEE"))

        await self.until("a direct message with Acknowledge for @lee", paged)
        return "one card, announced with a mention, @lee has a direct message"

    async def it_says_what_changed(self) -> str:
        """The served model is named as changed, with counts; Show run opens the steps."""

        async def look() -> Json | None:
            runs = [r for r in (await self.state())["runs"] if r["trace_id"] == self.bad["trace_id"]]
            found = [c for r in runs for c in ((r.get("changes") or {}).get("changes") or [])]
            named = next((c for c in found if c["kind"] == "model_served"), None)
            return named or dict(not_yet([(c["kind"], c["name"]) for c in found]))

        change = dict(await self.until("the served model as changed", look))
        if (change["before"], change["after"]) != ("gpt-x-2026-03-12", "gpt-x-2026-05-01"):
            raise NotSeen(f"{change}")

        async def told() -> bool:
            return "served model gpt-x-2026-03-12 → gpt-x-2026-05-01" in all_text(
                await self.slack.find_message(self.channel, ts=self.root) or {}
            )

        await self.until("the change on the card", told)
        await self.press("U0LEE", "Show run")
        steps = all_text(await self.modal("U0LEE"))
        if "issue_refund" not in steps or "get_order" not in steps:
            raise NotSeen(steps[:300])
        return f"served model {change['before']} → {change['after']}, {change['runs_before']} good runs before"

    async def lee_acknowledges(self) -> str:
        """Acknowledge stops paging and shows on the same message."""
        await self.press("U0LEE", "Acknowledge")

        async def look() -> bool:
            return bool((await self.state())["acknowledged_by"] == "U0LEE")

        await self.until("acknowledged by @lee", look)
        return "acknowledged by @lee"

    async def a_teammate_may_not(self) -> str:
        """@mo has no role: refused, told who may, and nothing changed."""
        await self.press("U0MO", "Revoke issue_refund")
        text = await self.told("U0MO", r"(?i)responder|may")
        refused = await self.execution("revoke_tool", "refused")
        return f"@mo is told: {' '.join(text.split())[:120]} (execution {refused['id']})"

    async def the_tool_is_revoked(self) -> str:
        """Revoke issue_refund: in force only when refund-bot itself has read it; then its next run obeys."""
        await self.press("U0DANA", "Revoke issue_refund")
        done = await self.execution("revoke_tool", verified="in_force")
        before = len((await self.shop())["refunds"])
        report = await self.ask("cus_2Rf0", "Order 88097: the lamp is broken. My money back!")
        refunds = [e for e in report["effects"] if e["tool"] == "issue_refund"]
        if len((await self.shop())["refunds"]) != before or any(e["outcome"] == "applied" for e in refunds):
            raise NotSeen(f"refunds were made: {refunds}")
        return f"{done['verified_detail']}; the next run made no refund"

    async def a_second_click_is_told(self) -> str:
        """The same button on a screen that is behind: told who was first, nothing runs twice."""
        stale = self._first_revoke
        await self.slack.click("U0LEE", self.channel, self.root, stale[0], stale[1], stale=True)
        text = await self.told("U0LEE", r"U0DANA|already|Already")
        count = sum(
            e["action"] == "revoke_tool" and e["state"] == "succeeded" for e in (await self.state())["executions"]
        )
        if count != 1:
            raise NotSeen(f"{count} revocations")
        return f"@lee is told: {' '.join(text.split())[:120]}"

    async def remember_the_revoke_button(self) -> str:
        """Keep what the button carries now, for the second click."""

        async def look() -> tuple[str, str] | None:
            for element in await self.slack.elements(self.channel, self.root):
                if str(element.get("label", "")).startswith("Revoke issue_refund"):
                    return element["action_id"], element["value"]
            return None

        self._first_revoke = await self.until("the revoke button", look)
        return "an opaque id" if "issue_refund" not in self._first_revoke[1] else not_yet(self._first_revoke)

    async def the_model_is_pinned(self) -> str:
        """Pin model…: a modal with the snapshots; the next run is served by the pinned one and follows the policy."""
        await self.press("U0DANA", "Pin model")
        view = await self.modal("U0DANA", "model")
        done = await self.slack.submit_view("U0DANA", view["id"], filled(model="gpt-x-2026-03-12"))
        if done.get("errors"):
            raise NotSeen(f"the modal refused: {done['errors']}")
        pinned = await self.execution("pin_model", verified="in_force")
        report = await self.ask("cus_4TbQ", "Order 88140: the gloves are torn. My money back!")
        if report["model_served"] != "gpt-x-2026-03-12":
            raise NotSeen(f"served by {report['model_served']}")
        return f"served by {report['model_served']}; {pinned['verified_detail']}"

    async def an_eval_case_lies_on_a_branch(self) -> str:
        """Open eval case…: proven to fail on the record, pushed, and read back from the repository itself."""
        await self.press("U0LEE", "Open eval case")
        view = await self.modal("U0LEE", "expected", "arguments")
        values = filled(expected="Refund the broken jug only, 42.00.", arguments="")
        done = await self.slack.submit_view("U0LEE", view["id"], values)
        if done.get("errors"):
            raise NotSeen(f"the modal refused: {done['errors']}")
        result = (await self.execution("open_eval_case"))["result"]
        branch = result["ref"].partition("@")[0]
        case = branch.removeprefix("pullcord/").replace("-eval-", "-", 1)
        shown = await git(self.world, "show", f"{branch}:evals/pullcord/{case}.yaml")
        if "PullcordToolCalls" not in shown or "issue_refund" not in shown:
            raise NotSeen(shown[:300])
        return f"branch {branch}: fails on the recorded call"

    async def a_pinned_message_is_kept(self) -> str:
        """:pushpin: on a teammate's message puts it on the timeline with author and time."""
        await self.slack.join("U0MO", self.channel)
        said = await self.slack.post("U0MO", self.channel, "Finance sees other whole-order refunds since 02:44.")
        await self.slack.react("U0DANA", self.channel, said["ts"], "pushpin")

        async def look() -> bool:
            entries = (await self.api(f"/api/incidents/{self.incident}/timeline?limit=200"))["entries"]
            notes = [e["event"] for e in entries if e["event"]["type"] == "note_added"]
            return any(n["pinned"] and "Finance" in n["text"] and n["author"] == "U0MO" for n in notes) or bool(
                not_yet(notes)
            )

        await self.until("the pinned message on the timeline", look)
        return "kept with its author"

    async def the_page_opens_once(self) -> str:
        """Timeline: a one-time link that becomes a cookie; a second use is refused; the page shows the effects."""
        await self.slack.slash("U0DANA", self.channel, "/pullcord", "timeline")
        text = await self.told("U0DANA", r"/open/")
        link = re.search(r"https?://[^\s|>\"']+/open/[^\s|>\"']+", text)
        if link is None:
            raise NotSeen(f"no link in {text!r}")
        first = await self.http.get(link.group(0))
        cookie = first.headers.get("set-cookie", "")
        if first.status_code != 303 or "HttpOnly" not in cookie:
            raise NotSeen(f"{first.status_code} {cookie!r}")
        again = await httpx.AsyncClient(trust_env=False).get(link.group(0))
        if again.status_code < 400:
            raise NotSeen("the link worked twice")
        page = await self.http.get(f"{self.world.bot.origin}{first.headers['location']}")
        if page.status_code != 200 or "issue_refund" not in page.text or "cannot be undone" not in page.text:
            raise NotSeen(f"{page.status_code}: {page.text[:200]}")
        return "opened once, refused the second time"

    async def it_is_resolved(self) -> str:
        """Resolve… asks for a reason; the card says so."""
        await self.press("U0DANA", "Resolve")
        view = await self.modal("U0DANA", "reason")
        done = await self.slack.submit_view(
            "U0DANA", view["id"], filled(reason="Refunds are with finance; model pinned.")
        )
        if done.get("errors"):
            raise NotSeen(f"the modal refused: {done['errors']}")

        async def look() -> bool:
            text = all_text(await self.slack.find_message(self.channel, ts=self.root) or {})
            return (await self.state())["state"] == "resolved" and "esolved" in text

        await self.until("resolved on the card", look)
        return "resolved with a reason"

    async def the_chain_holds(self) -> str:
        """``pullcord verify`` finds every entry fitting, with the head that was posted to the thread."""

        async def look() -> str | None:
            thread = await self.slack.messages(self.channel, thread_ts=self.root)
            heads = [m.group(1) for t in thread for m in re.finditer(r"\b(\d+:[0-9a-f]{12,64})\b", all_text(t))]
            return heads[-1] if heads else None

        head = await self.until("a chain head in the thread", look)
        done = await asyncio.to_thread(self.world.pullcord, "verify", self.incident, "--head", head)
        if done.returncode != 0:
            raise NotSeen(done.stdout + done.stderr)
        wrong = await asyncio.to_thread(self.world.pullcord, "verify", self.incident, "--head", f"9999:{head[-12:]}")
        if wrong.returncode == 0:
            raise NotSeen("a head that never was is accepted")
        return done.stdout.strip().partition(" Head")[0]

    async def nothing_was_missed(self) -> str:
        """Every click was answered within Slack's three seconds, and Slack refused none of our calls."""
        late = [i for i in await self.slack.interactions() if i.get("timed_out")]
        bad = [c for c in await self.slack.calls() if not c["ok"] and c["error"] != "already_in_channel"]
        if late or bad:
            raise NotSeen(f"late: {late[:2]}, refused: {[(c['method'], c['error']) for c in bad][:5]}")
        return f"{len(await self.slack.interactions())} interactions, {len(await self.slack.calls())} calls"
