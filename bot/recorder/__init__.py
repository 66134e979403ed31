"""The flight recorder's pure part: OTLP in, redaction, one normaliser to a ``Run``, gaps, evidence.

May import ``bot.domain`` and ``bot.errors`` (and the layers between); no store, no server, never ``bot.web`` or redis.
"""
