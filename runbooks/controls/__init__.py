"""Control planes: one adapter per file; each meets one or more ports of ``bot.ports``."""
