from .contact import (
    Contact as Contact,
)
from .contact import (
    ContactState as ContactState,
)
from .contact import (
    InitiationMethod as InitiationMethod,
)
from .contact import (
    Reference as Reference,
)
from .events import (
    EndReason as EndReason,
)
from .events import (
    FlowEvent as FlowEvent,
)
from .events import (
    FlowEventKind as FlowEventKind,
)
from .events import (
    Observe as Observe,
)
from .flow import Flow as Flow
from .flow import FlowFormat as FlowFormat
from .functions import FunctionFailed as FunctionFailed
from .functions import Functions as Functions
from .instance import (
    Agent as Agent,
)
from .instance import (
    AtCapacity as AtCapacity,
)
from .instance import (
    Bot as Bot,
)
from .instance import (
    CallBack as CallBack,
)
from .instance import (
    Channel as Channel,
)
from .instance import (
    Instance as Instance,
)
from .instance import (
    Message as Message,
)
from .instance import (
    MessageFailed as MessageFailed,
)
from .instance import (
    NotBound as NotBound,
)
from .instance import (
    Place as Place,
)
from .instance import (
    Queue as Queue,
)
from .instance import (
    QueueMetrics as QueueMetrics,
)
from .instance import (
    ResourceKind as ResourceKind,
)
from .instance import (
    Task as Task,
)
from .instance import (
    Wanted as Wanted,
)
from .languages import (
    flow_for_language as flow_for_language,
)
from .languages import (
    language_of_voice as language_of_voice,
)
from .languages import (
    voice_for_language as voice_for_language,
)
from .loading import load_flow as load_flow
from .participant import (
    AnsweredBy as AnsweredBy,
)
from .participant import (
    Destination as Destination,
)
from .participant import (
    HungUp as HungUp,
)
from .participant import (
    NotConnected as NotConnected,
)
from .participant import (
    Participant as Participant,
)
from .participant import (
    Prompt as Prompt,
)
from .participant import (
    PromptFailed as PromptFailed,
)
from .participant import (
    Recording as Recording,
)
from .participant import (
    Reply as Reply,
)
from .problems import FlowInvalid as FlowInvalid
from .problems import Problem as Problem
from .running import run as run
from .shipped import shipped_flows as shipped_flows
from .unbound import Unbound as Unbound
