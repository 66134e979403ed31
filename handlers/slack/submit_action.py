"""A verb's modal was sent: request the action with the submitted parameters. First one wins; the engine checks them."""

from bot.plugin import Click, Kind, Reply, Services, interaction


@interaction("pullcord_submit", Kind.VIEW)
async def submit_action(click: Click, services: Services) -> Reply:
    """Metadata is the offer's id; the values prove nothing and are validated by the verb's own model."""
    return await services.requests.submit(click.metadata, click.by, click.values, key=click.key)
