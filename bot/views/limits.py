"""Every limit of Slack that our messages and modals keep, in one place, beside our own tighter ones.

Slack's numbers: docs.slack.dev, reference/block-kit (blocks, block elements, composition objects, views) and the
method pages of ``chat.postMessage`` and ``chat.update``. All count code points; where Slack may count otherwise
(emoji outside the basic plane) our own limits leave room.
"""

from typing import Final

# ------------------------------------------------------------------------------------------ Slack's
MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
VIEW_BYTES: Final = 250_000
HEADER_TEXT: Final = 150
SECTION_TEXT: Final = 3000
SECTION_FIELDS: Final = 10
FIELD_TEXT: Final = 2000
CONTEXT_ELEMENTS: Final = 10
ACTIONS_ELEMENTS: Final = 25
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2000
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OVERFLOW_OPTIONS: Final = 5
OVERFLOW_LEAST: Final = 2
SELECT_OPTIONS: Final = 100
CHECKBOX_OPTIONS: Final = 10
INPUT_LABEL: Final = 2000
INPUT_TEXT: Final = 3000
MODAL_TITLE: Final = 24
MODAL_BUTTON: Final = 24
PRIVATE_METADATA: Final = 3000
ACTION_ID: Final = 255

# ------------------------------------------------------------------------------------------- ours
CARD_BLOCKS: Final = 12
"""PRODUCT.md, "The root message"."""
CARD_BYTES: Final = 10_000
"""PRODUCT.md: under 10 kB. Measured as JSON with every non-ASCII character escaped, the longest way to write it."""
SENTENCE_SHOWN: Final = 110
"""What a person typed who declared an incident, where it stands as the title; all of it stands under the title."""
REPORTED: Final = 150
"""What the alert said, on the card, the announcement and the direct message."""
SENTENCE: Final = 300
"""The ``text`` of a message: one full sentence for notifications and screen readers."""
EFFECT_ROWS: Final = 5
RESULT_ROWS: Final = 4
THREAD_LINE: Final = 2500
"""One line of the thread, so that a batch of them fits one section."""
THREAD_ROWS: Final = 20
THREAD_RUNS: Final = 10
"""From more runs on each has one line in the thread: two hundred that were added would bury what people said."""
PAGE_TEXT: Final = 80
"""Foreign text on the page (DESIGN.md, "hostile text")."""
PAGE_GROUP: Final = 20
"""Effects that a group of the page shows before "and N more" (DESIGN.md)."""
PAGE_STEPS: Final = 200
"""Rows of the agent's lane on one page (DESIGN.md)."""
PAGE_FULL_TEXT: Final = 100_000
"""Characters of one recorded text (a prompt, a result) on its step's page; longer ones are cut, the size is said."""
PAGE_STEP_CHARS: Final = 400_000
"""Characters of all recorded texts of one step together."""
PAGE_MESSAGES: Final = 200
"""Messages of one prompt, documents of one retrieval or tools of one offer that the page of a step shows."""
RUNS_ADDED: Final = 200
"""Runs that join an incident with one press at most; each is read and frozen."""
