"""Rich text, in which no markup is read (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block)."""

from sandbox.slack.blockkit.rules import Check, array, boolean, kinds_of, one_of, shape, string, url, whole

STYLE = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), boolean))
STYLED: dict[str, Check] = {"style": STYLE}
LONG = string(40_000, 1)

INLINE: dict[str, Check] = {
    "text": shape({"text": LONG}, STYLED),
    "link": shape({"url": url(3000)}, {"text": string(40_000), "unsafe": boolean, **STYLED}),
    "emoji": shape({"name": string(255, 1)}, {"unicode": string(255), "skin_tone": whole(1, 6), **STYLED}),
    "user": shape({"user_id": string(255, 1)}, STYLED),
    "usergroup": shape({"usergroup_id": string(255, 1)}, STYLED),
    "channel": shape({"channel_id": string(255, 1)}, STYLED),
    "broadcast": shape({"range": one_of("here", "channel", "everyone")}, STYLED),
    "color": shape({"value": string(10, 1)}, {}),
    "date": shape(
        {"timestamp": whole(0, 99_999_999_999), "format": string(255, 1)},
        {"url": url(3000), "fallback": string(3000), **STYLED},
    ),
    "team": shape({"team_id": string(255, 1)}, STYLED),
}
INLINE_ANY = array(kinds_of(INLINE, frozenset(INLINE), "rich text"), 0, 1000)
LITERAL = array(kinds_of(INLINE, frozenset({"text", "link"}), "preformatted text"), 0, 1000)
BORDER: dict[str, Check] = {"border": whole(0, 1)}
SECTION = shape({"elements": INLINE_ANY}, {})

GROUPS: dict[str, Check] = {
    "rich_text_section": SECTION,
    "rich_text_list": shape(
        {
            "style": one_of("bullet", "ordered"),
            "elements": array(
                kinds_of({"rich_text_section": SECTION}, frozenset({"rich_text_section"}), "a list"), 0, 1000
            ),
        },
        {"indent": whole(0, 8), "offset": whole(0, 10_000), **BORDER},
    ),
    "rich_text_preformatted": shape({"elements": LITERAL}, {"language": string(50), **BORDER}),
    "rich_text_quote": shape({"elements": INLINE_ANY}, BORDER),
}

RICH_TEXT_ELEMENTS = array(kinds_of(GROUPS, frozenset(GROUPS), "a rich_text block"), 0, 1000)
