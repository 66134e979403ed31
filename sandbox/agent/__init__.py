"""refund-bot: a small real agent that can go wrong, for the demo and the tests.

Imports ``examples`` (the guard) and nothing of ``bot``: to Pullcord it is an agent like any other.
"""
