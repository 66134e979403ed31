"""Trace stores: one file each. The bot's own recorder is the embedded one and needs no file here."""
