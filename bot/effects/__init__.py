"""From tool calls to effects: how reversible (the catalogue, else a careful guess) and what came of them. Pure.

May import ``bot.domain`` and ``bot.errors``.
"""
