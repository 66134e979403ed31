"""Cards, modals and page models: pure functions from a projection to Block Kit or to values for a template.

No client, no I/O, no clock. May import ``bot.domain``, ``bot.plugin``, ``bot.ports`` and ``bot.errors`` only.
"""
