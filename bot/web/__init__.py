"""The HTTP servers: intake, OTLP, OFREP, read API, the page, operations.

May import recorder, effects, views, timeline, plugin, ports, domain; never slack, paging, work, handlers or runbooks.
"""
