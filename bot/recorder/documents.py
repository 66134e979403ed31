"""Retrieved documents in the shapes that are in use, as our ``Document``."""

from typing import Any

from bot.domain.base import Json
from bot.domain.run import Document
from bot.recorder.lenient import number, structured, text_of
from bot.recorder.parts import inner

_IDS = ("id", "document_id", "doc_uri", "uri", "source", "name")
_SCORES = ("score", "distance", "similarity")
_CONTENTS = ("content", "page_content", "text", "document", "snippet", "chunk")
_LISTS = ("documents", "results", "matches", "data", "chunks")


def documents(value: Json) -> tuple[Document, ...] | None:
    """The documents in a recorded value; ``None`` when it is no list of any."""
    read = structured(value)
    if isinstance(read, dict):
        read = next((held for key in _LISTS if isinstance(held := structured(read.get(key)), list)), None)
    if not isinstance(read, list):
        return None
    return tuple(found for item in read if (found := document(structured(item))) is not None)


def document(item: Any) -> Document | None:
    """One document: an object, OpenInference's with its ``document`` around it, or its text alone."""
    if isinstance(item, str):
        return Document(content=item)
    if not isinstance(item, dict):
        return None
    held = {**item, **item["document"]} if isinstance(item.get("document"), dict) else item
    metadata = structured(held.get("metadata"))
    about = metadata if isinstance(metadata, dict) else {}
    score = next((found for key in _SCORES if (found := number(held.get(key))) is not None), None)
    content = next((held[key] for key in _CONTENTS if isinstance(held.get(key), str)), None)
    name = next((text for each in (held, about) for key in _IDS if (text := text_of(each.get(key)))), None)
    return Document(
        id=name,
        score=score,
        content=content,
        metadata=metadata,
    )


def unflattened(found: list[dict[str, Any]]) -> tuple[Document, ...] | None:
    """Documents that were spread over numbered attributes; ``None`` when there are none, which may mean unrecorded."""
    read = [document(inner(item, "document")) for item in found]
    return tuple(one for one in read if one is not None) or None
