"""Who is woken, when, and again: escalation by due times that survive everything.

May import what lies below it; never ``bot.slack``, ``bot.web`` or ``bot.work``.
"""
