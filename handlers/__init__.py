"""What comes in: alert sources, trace stores and Slack interactions, one file each.

Handlers know neither the store, nor Slack's client, nor the engine; they use ``bot.plugin`` and what lies below it.
"""
