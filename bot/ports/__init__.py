"""Ports: what the kernel needs from the outside, as Protocols.

Adapters live in runbooks/controls, handlers/traces and bot/slack.

May import only ``bot.domain`` and ``bot.errors``. A verb names a port as the type of an argument and gets the adapter
that the agent's configuration chose; a verb whose port nobody provides is not offered, with the reason.
"""

from bot.ports.chat import Chat, ChatMessage, DirectMessage, Progress
from bot.ports.controls import (
    CAPABILITIES,
    AgentControl,
    CarriesRestraint,
    ControlPlane,
    FallbackControl,
    ModelControl,
    OffersModels,
    OffersTools,
    PromptControl,
    PromptVersion,
    PromptVersionControl,
    ToolClassControl,
    ToolControl,
    ToolDescriptionControl,
    ValidationControl,
    WatchControl,
)
from bot.ports.repositories import (
    CatalogueTarget,
    ClosesProposals,
    CodeHost,
    DatasetItem,
    EvalDataset,
    EvalDatasets,
    EvalRepository,
    EvalTarget,
    FilePlace,
    PullRequest,
    PushedCase,
    RemoteHosts,
)
from bot.ports.stores import Clock, DesiredState, EvidenceReader, EvidenceStore, RunTexts

__all__ = [
    "CAPABILITIES",
    "AgentControl",
    "CarriesRestraint",
    "CatalogueTarget",
    "Chat",
    "ChatMessage",
    "Clock",
    "ClosesProposals",
    "CodeHost",
    "ControlPlane",
    "DatasetItem",
    "DesiredState",
    "DirectMessage",
    "EvalDataset",
    "EvalDatasets",
    "EvalRepository",
    "EvalTarget",
    "EvidenceReader",
    "EvidenceStore",
    "FallbackControl",
    "FilePlace",
    "ModelControl",
    "OffersModels",
    "OffersTools",
    "Progress",
    "PromptControl",
    "PromptVersion",
    "PromptVersionControl",
    "PullRequest",
    "PushedCase",
    "RemoteHosts",
    "RunTexts",
    "ToolClassControl",
    "ToolControl",
    "ToolDescriptionControl",
    "ValidationControl",
    "WatchControl",
]
