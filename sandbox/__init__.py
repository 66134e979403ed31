"""What stands in for the outside world in `pullcord demo` and the tests: a Slack workspace, a small real agent.

Nothing here imports `bot`, `handlers` or `runbooks`: the stand-ins know their own world only, as the real ones would.
"""
