"""Blocks that need an agent's screen, or a service that is not here.

A flow with such a block is accepted, and whoever imports it is told. At run time the block takes
its error branch, or goes on where it has none, and the log says why. Source of the names: "Actions
in the Flow language", Amazon Connect Administrator Guide, and exported flows.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import BlockKind, LegacyForm
from ringfence.flows.parameters import Parameters

_SCREEN = "it needs an agent's screen"
_PROFILES = "it needs Amazon Connect Customer Profiles"
_CASES = "it needs Amazon Connect Cases"
_VOICE_ID = "it needs Amazon Connect Voice ID, which AWS has ended"
_ASSISTANT = "it needs Amazon Q in Connect"
_CHAT = "it needs a chat or e-mail contact"
_CAMPAIGN = "it needs a journey of Amazon Connect's outbound campaigns"
_ROUTING = "it needs Amazon Connect's routing of agents by proficiency"
_TABLES = "it needs a data table of Amazon Connect"
_PAYMENTS = "it needs a payment service"
_INTEGRATION = "it needs an integration that AWS hosts"

_ABSENT = {
    "ShowView": _SCREEN,
    "ShowForm": _SCREEN,
    "TransferContactToAgent": _SCREEN,
    "UpdatePreviousContactParticipantState": _SCREEN,
    "UpdateParticipantState": _SCREEN,
    "ResumeContact": _SCREEN,
    "HoldParticipant": _SCREEN,
    "SetAgentWorkState": _SCREEN,
    "StartScreenShare": _SCREEN,
    "GetCustomerProfile": _PROFILES,
    "GetCustomerProfileObject": _PROFILES,
    "GetCalculatedAttributesForCustomerProfile": _PROFILES,
    "GetSegmentMembershipForCustomerProfile": _PROFILES,
    "GetRecommendationsForCustomerProfile": _PROFILES,
    "CreateCustomerProfile": _PROFILES,
    "UpdateCustomerProfile": _PROFILES,
    "AssociateContactToCustomerProfile": _PROFILES,
    "CreateCase": _CASES,
    "GetCase": _CASES,
    "UpdateCase": _CASES,
    "LinkContactToCase": _CASES,
    "CreateRelatedItem": _CASES,
    "CheckVoiceId": _VOICE_ID,
    "StartVoiceIdStream": _VOICE_ID,
    "UpdateContactVoiceId": _VOICE_ID,
    "CreateWisdomSession": _ASSISTANT,
    "UpdateWisdomSession": _ASSISTANT,
    "ConnectAssistant": _ASSISTANT,
    "CreatePersistentContactAssociation": _CHAT,
    "AuthenticateParticipant": _CHAT,
    "LoadContactContent": _CHAT,
    "GetStoredContent": _CHAT,
    "UpdateChatContact": _CHAT,
    "StartOutboundChatContact": _CHAT,
    "CheckCommunicationStatus": _CAMPAIGN,
    "UpdateContactMediaProcessing": _CHAT,
    "UpdateRoutingCriteria": _ROUTING,
    "UpdateContactRoutingCriteria": _ROUTING,
    "EvaluateDataTableValues": _TABLES,
    "ListDataTableValues": _TABLES,
    "DataTable": _TABLES,
    "StartPayment": _PAYMENTS,
    "ConnectParticipantWithPayment": _PAYMENTS,
    "InvokeThirdPartyAction": _INTEGRATION,
    "StartWorkflow": _INTEGRATION,
}
_LEGACY = {
    "CheckVoiceId": "CheckVoiceId",
    "StartVoiceIdStream": "SetVoiceId",
    "CreateWisdomSession": "SetWisdomAssistant",
    "GetCustomerProfile": "GetCustomerProfile",
    "CreateCase": "CreateCase",
    "ShowView": "ShowView",
}


@dataclass(frozen=True, slots=True)
class Absent:
    """Fails, and says why."""

    reason: str

    async def run(self, call: Call, block: Block) -> Outcome:
        """Take the error branch."""
        return Outcome(error=ANY_ERROR, result="Error", detail=f"{self.reason}, which is not here")


def _kind(type_: str, reason: str) -> BlockKind:
    def read(parameters: Parameters) -> Absent:
        return Absent(reason)

    legacy = LegacyForm(_LEGACY[type_]) if type_ in _LEGACY else None
    return BlockKind(
        type=type_,
        log_type=type_,
        read=read,
        legacy=legacy,
        forgives=True,
        notice=f"{reason}, which is not here; it will take its error branch",
    )


ABSENT_KINDS = tuple(_kind(type_, reason) for type_, reason in _ABSENT.items())
