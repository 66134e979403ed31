"""What people do in Slack, one interaction per file. May import ``bot.plugin``, ``bot.views`` and what lies below.

Each handler makes at most one durable write, through ``Services.requests``, and answers with a ``Reply``.
"""
