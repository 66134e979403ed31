"""Slack: the Bolt app with its one wrapper round every listener, and the poster that keeps cards and threads true.

May import what lies below it (``bot.timeline``, ``bot.views``, ``bot.plugin``, ...), never ``bot.web``,
``bot.paging`` or ``bot.work``.
"""
