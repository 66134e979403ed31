"""The shop's page: its tables as a person sees them, and a form to ask the agent something."""

import json
from html import escape
from typing import Final

from examples.guard import Restraints

from .shop import Row
from .view import money

_HIDDEN: Final = frozenset({"currency"})

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --muted: #8889 }
body { font: 14px/1.45 system-ui, sans-serif; max-width: 1184px; margin: 24px auto; padding: 0 16px }
h1 { font-size: 26px; margin: 0 } h2 { font-size: 16px; margin: 24px 0 8px }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; width: 100% }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top }
td, code { font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
form { display: flex; flex-wrap: wrap; gap: 8px } input { flex: 1 1 320px } input, select, button { font: inherit;
padding: 8px } pre { white-space: pre-wrap; border: 1px solid var(--line); border-radius: 8px; padding: 12px } p.empty {
opacity: .6 }
"""

_SCRIPT: Final = """
const form = document.querySelector("form"), out = document.querySelector("pre"), button = form.querySelector("button");
form.addEventListener("submit", async event => {
  event.preventDefault(); button.disabled = true; out.hidden = false; out.textContent = "The agent is working…";
  try {
    const asked = {customer: form.customer.value, message: form.message.value};
    const answer = await fetch("/run", {method: "POST", headers: {"content-type": "application/json"}, body:
    JSON.stringify(asked)}); out.textContent = JSON.stringify(await answer.json(), null, 2);
    document.querySelector("main").innerHTML =
      new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html").querySelector("main").innerHTML;
  } catch (error) { out.textContent = "No answer: " + error; }
  button.disabled = false;
});
"""


def render(tables: dict[str, list[Row]], restraints: Restraints, *, agent: str) -> str:
    """The page as HTML. Every value is escaped: customers and models write them."""
    options = "".join(
        f'<option value="{escape(row["id"])}">{escape(row["name"])} ({escape(row["id"])})</option>'
        for row in tables["customers"]
    )
    sections = "".join(_table(name, rows) for name, rows in tables.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(agent)} and its shop</title><style>{_STYLE}</style>"
        f"<h1>{escape(agent)} and its shop</h1>"
        f"<h2>Ask the agent</h2><form><select name=customer aria-label=Customer>{options}</select>"
        f'<input name=message aria-label=Message required value="Part of my order came damaged, I want my money back.">'
        f"<button>Ask</button></form><pre hidden aria-live=polite></pre>"
        f"<main><h2>What restrains it</h2><p>{_state(restraints)}</p>{sections}</main><script>{_SCRIPT}</script></html>"
    )


def _state(restraints: Restraints) -> str:
    told = [
        f"Paused {restraints.paused.sentence()}" if restraints.paused else "Not paused.",
        f"Model pinned to {restraints.model}." if restraints.model else "Model not pinned.",
        f"Routed to {restraints.fallback_model}." if restraints.fallback_model else "",
        f"Denied tools: {', '.join(restraints.denied)}." if restraints.denied else "No tool denied.",
        f"Added to its prompt: {restraints.prompt_suffix}" if restraints.prompt_suffix else "",
        f"As of revision {restraints.revision}." if restraints.revision is not None else "No revision read yet.",
        f"Pullcord has not answered since {restraints.stale_since:%H:%M:%S} UTC." if restraints.stale_since else "",
    ]
    return escape(" ".join(part for part in told if part))


def _table(name: str, rows: list[Row]) -> str:
    title = f"<h2>{escape(name.replace('_', ' ').capitalize())}</h2>"
    if not rows:
        return f"{title}<p class=empty>None.</p>"
    columns = [column for column in rows[0] if column not in _HIDDEN]
    head = "".join(
        f"<th scope=col>{escape(column.removesuffix('_minor').replace('_', ' '))}</th>" for column in columns
    )
    body = "".join("<tr>" + "".join(f"<td>{_cell(row, column)}</td>" for column in columns) + "</tr>" for row in rows)
    return f"{title}<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(row: Row, column: str) -> str:
    value = row[column]
    if column.endswith("_minor"):
        return escape(money(value, row.get("currency", "USD")))
    return escape(value if isinstance(value, str) else json.dumps(value))
