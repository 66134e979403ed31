"""An incident as one self-contained file: written by ``pullcord export``, checked offline by ``pullcord verify``.

May import the timeline (for its chain) and the recorder (to read runs again); nothing here needs a running bot.
"""
