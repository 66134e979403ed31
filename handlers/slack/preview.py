"""Preview in a verb's modal: what would be done with what stands in it now. Writes nothing; the modal stays open."""

from bot.plugin import Click, Kind, Reply, Services, interaction


@interaction("pullcord_preview", Kind.BUTTON, reads=True)
async def preview_button(click: Click, services: Services) -> Reply:
    """The modal's metadata is the offer's id; the values are as they stand and prove nothing."""
    return await services.requests.preview(click.metadata or click.value, click.by, click.values)
