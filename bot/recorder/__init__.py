"""The flight recorder's pure part: OTLP in, redaction, one normaliser to a ``Run``, gaps, evidence. No store, no server.

May import ``bot.domain`` and ``bot.errors`` (and the layers between); never ``bot.web`` or redis.
"""
