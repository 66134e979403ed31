"""The engine: from a request to a verified change, from an alert to an incident. Decisions are pure.

May import ``bot.timeline``, ``bot.recorder``, ``bot.effects``, ``bot.views`` and what lies below them; never plug-ins,
Slack or the web.
"""
