from .browser import BrowserLine as BrowserLine
from .incoming import (
    Declined as Declined,
)
from .incoming import (
    IncomingCall as IncomingCall,
)
from .incoming import (
    Receive as Receive,
)
from .incoming import (
    Reception as Reception,
)
from .incoming import (
    TakesCalls as TakesCalls,
)
from .line import (
    CallEnd as CallEnd,
)
from .line import (
    CallEvent as CallEvent,
)
from .line import (
    CallEventKind as CallEventKind,
)
from .line import (
    CallRequest as CallRequest,
)
from .line import (
    CallResult as CallResult,
)
from .line import (
    Conversation as Conversation,
)
from .line import (
    Limits as Limits,
)
from .line import (
    Line as Line,
)
from .line import (
    Report as Report,
)
from .speech import Synthesizer as Synthesizer
from .terminal import Heard as Heard
from .terminal import TerminalLine as TerminalLine
from .terminal import TerminalPhone as TerminalPhone
