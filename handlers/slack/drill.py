"""``/pullcord drill``: an incident to practise on. Every button works, nothing is written, nobody is paged."""

from bot.plugin import Click, Kind, Reply, Services, interaction


@interaction("drill", Kind.COMMAND, help_text="drill [agent]: opens an incident to practise on")
async def drill_command(click: Click, services: Services) -> Reply:
    """``/pullcord drill refund-bot``; without a name the first agent of the configuration."""
    return await services.requests.drill(click.by, agent=click.args.strip() or None, key=click.key)
