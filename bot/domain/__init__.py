"""Pure values and functions of the domain: alert, run, effect, incident, events, projection. No I/O.

May import only ``bot.errors``.
"""
