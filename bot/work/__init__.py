"""Loops that do the work: the consumer of the work stream, and the ticks that move due times and run recurring checks.

May import ``bot.timeline`` and what lies below it; ``bot.app`` ties each kind of work to its handler.
"""
