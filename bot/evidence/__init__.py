"""Where frozen runs are kept when it is not the store: a directory, a bucket. Content-addressed, behind ``ports``.

May import ``bot.ports``, ``bot.domain``, ``bot.settings`` and ``bot.errors``; knows neither Redis nor the engine.
"""
