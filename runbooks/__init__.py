"""What can be done: a verb per file, a control plane per file in ``controls``, an eval format per file in ``evals``.

May import only ``bot.plugin``, ``bot.ports``, ``bot.domain`` and ``bot.errors``.
"""
