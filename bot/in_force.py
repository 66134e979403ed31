"""What ``pullcord mitigations`` prints: all that is in force, from the index in the store, beside a running bot."""

import json
from datetime import UTC, datetime

from bot.domain.mitigation import MitigationRow
from bot.errors import Misconfigured
from bot.open_store import open_store
from bot.settings import Settings
from bot.timeline.mitigations import MOST
from bot.views.mitigations import state_words, urgent_first
from bot.views.page_actions import value_words
from bot.views.page_text import Names, short, who
from bot.views.text import duration, number


async def list_mitigations(settings: Settings, *, as_json: bool) -> list[str]:
    """The lines to print, what needs somebody first. Foreign text is made visible: terminals obey it."""
    if settings.environment.redis_url is None and not settings.data_dir.exists():
        message = f"There is no store in {settings.data_dir}, so what is in force cannot be said."
        step = "Set PULLCORD_DATA_DIR or PULLCORD_REDIS_URL as the bot has it."
        raise Misconfigured(message, next_step=step)
    async with open_store(settings, guest=True) as store:
        rows: list[MitigationRow] = []
        while page := await store.mitigations.rows(MOST, len(rows)):
            rows += page
        names = await store.names.all()
    if as_json:
        return [json.dumps({**row.model_dump(mode="json"), "in_force": row.green}) for row in urgent_first(rows)]
    now = datetime.now(UTC)
    if not rows:
        where = (
            "the shared store" if settings.environment.redis_url is not None else f"the store in {settings.data_dir}"
        )
        return [f"Nothing is in force: no agent is restrained by Pullcord ({where})."]
    red = sum(row.needs_somebody for row in rows)
    needs = f", {red} of them {'needs' if red == 1 else 'need'} somebody" if red else ""
    made = [f"{number(len(rows), 'mitigation is', 'mitigations are')} in force or may be{needs}."]
    for row in urgent_first(rows):
        made += _lines(row, now, names)
    return made


def _lines(row: MitigationRow, now: datetime, names: Names) -> list[str]:
    sign = "ok" if row.green else "!!" if row.needs_somebody else ".."
    until = f"until {row.until:%Y-%m-%d %H:%M} UTC" if row.until is not None else "until somebody takes it back"
    left = f" (in {duration(row.until - now)})" if row.until is not None and row.until > now else ""
    answered = {"lapse": ", then it lapses", "permanent": ", a lasting fix was asked for"}.get(row.answer or "", "")
    extended = f", extended by {who(row.extended_by, names)}" if row.extended_by else ""
    values = f"{value_words(row.before)} -> {value_words(row.value)}"
    closed = "" if row.open else " (resolved)"
    return [
        "",
        f"{sign}  {short(row.agent, 60)}: {short(row.summary, 160)}",
        f"    {short(row.target, 120)} at {short(row.control, 40)}: {values}",
        f"    {short(state_words(row), 300)}",
        f"    since {row.at:%Y-%m-%d %H:%M} UTC by {who(row.by, names)}, {until}{left}{extended}{answered}",
        f"    from {row.incident}{closed}, execution {row.execution}",
    ]
