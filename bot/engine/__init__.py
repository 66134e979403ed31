"""The engine: from a request to a verified change, and from an alert to an incident. Decisions are pure; the store is the truth.

May import ``bot.timeline``, ``bot.recorder``, ``bot.effects``, ``bot.views`` and what lies below them; never plug-ins,
Slack or the web.
"""
