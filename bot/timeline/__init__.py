"""The store: append-only timelines, their hash chain, work, due times and indexes. The only package that knows redis.

May import ``bot.plugin``, ``bot.ports``, ``bot.domain`` and ``bot.errors``. Start at ``store.py`` and ``keys.py``.
"""
