"""The kernel: knows incidents, knows no vendor.

It reaches ``handlers`` and ``runbooks`` only through the registry (``bot.plugin``); ``bot.app`` wires everything.
"""
