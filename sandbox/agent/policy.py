"""The shop's refund policy as documents, and their retrieval by shared words: small, real, and enough to be misread."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict

DATA_SOURCE: Final = "shop-policy"


class Document(BaseModel):
    """One passage. ``score`` is the share of the query's words it has, 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    content: str
    score: float = 0.0


DOCUMENTS: Final = (
    Document(
        id="refunds@v7#2",
        content="Damaged goods: refund the price of the damaged item, once. Never refund more than what is owed.",
    ),
    Document(
        id="refunds@v7#3",
        content="A refund is paid to the original payment method. Tell the customer the amount by e-mail.",
    ),
    Document(
        id="refunds@v2#1",
        content="Withdrawn in 2023: for damaged goods refund the whole order, and the same again as an apology.",
    ),
    Document(id="returns@v4#1", content="A return is picked up by courier only if the customer asks for it."),
    Document(id="privacy@v3#1", content="Never tell a customer about another customer."),
)


def retrieve(query: str, *, top_k: int = 4) -> list[Document]:
    """The ``top_k`` passages that share most words with the query, best first."""
    wanted = _words(query) | {"refund", "damaged"}
    scored = [
        document.model_copy(update={"score": round(len(wanted & _words(document.content)) / len(wanted), 3)})
        for document in DOCUMENTS
    ]
    return sorted(scored, key=lambda document: (-document.score, document.id))[:top_k]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
