"""Models that were made elsewhere: ONNX files that run here, HTTP endpoints that are asked.

To a rule their output is a variable like the score of a model of our own. They are fallible in a
way that ours are not, so each says beforehand what stands in for its answer when there is none.
"""

from ringfence.models.external.answers import Answer, Body
from ringfence.models.external.calls import ExternalCalls
from ringfence.models.external.counts import Counts
from ringfence.models.external.definitions import (
    Association,
    ExternalInput,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    OnFailure,
    Scale,
)
from ringfence.models.external.endpoint import (
    AwsSignature,
    Endpoint,
    ReplyFormat,
    RequestFormat,
)
from ringfence.models.external.networks import Network
from ringfence.models.external.pictures import Layout, Picture
from ringfence.models.external.registry import (
    associate,
    delete_external_model,
    get_external_model,
    list_external_models,
    load_external_model,
    load_network,
    put_external_model,
    variables_of,
)
from ringfence.models.external.trial import Trial, try_external_model

__all__ = [
    "Answer",
    "Association",
    "AwsSignature",
    "Body",
    "Counts",
    "Endpoint",
    "ExternalCalls",
    "ExternalInput",
    "ExternalKind",
    "ExternalModel",
    "ExternalOutput",
    "Layout",
    "Network",
    "OnFailure",
    "Picture",
    "ReplyFormat",
    "RequestFormat",
    "Scale",
    "Trial",
    "associate",
    "delete_external_model",
    "get_external_model",
    "list_external_models",
    "load_external_model",
    "load_network",
    "put_external_model",
    "try_external_model",
    "variables_of",
]
