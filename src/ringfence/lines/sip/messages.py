"""What the line and a child process say to each other, over the child's standard streams.

Each message is a length (4 bytes, big-endian) and a MessagePack object with the name of its kind.
Sound is signed 16-bit little-endian mono PCM at the child's `rate`, but for live sound. Calls and
trunks are named by the line; a message about a call that is over crossed with its end and is
ignored, on both sides.
"""

from __future__ import annotations

import msgspec

LARGEST_MESSAGE = 64 * 1024 * 1024
MOST_LIVE = 64 * 1024  # bytes that wait to be sent, beyond which live sound is not sent at all

# What `Ended.reason` says when a child itself ended a call.
RING_TIMEOUT = "ring timeout"  # of `Dial.ring_seconds`; the status is 487
NO_ROOM = "no room"  # the child holds as many calls as it can; the status is 503
NOTHING_HEARD = "nothing heard"  # no sound came for long; `by_far_end`, which is gone
CANNOT_DIAL = "cannot dial"  # PJSIP does not take the URI, the trunk or a header; the status is 400


class TrunkSetup(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk as a child needs it: checked, with its secrets in clear."""

    name: str
    uri: str  # where calls go: sip:host[:port][;transport=...], sips:...; {number} is not in it
    transport: str  # udp, tcp, tls
    id_uri: str  # our address of record: sip:user@domain
    registrar: str = ""  # its URI; empty when calls are peered without registration
    outbound_proxies: tuple[str, ...] = ()
    username: str = ""
    password: str = ""
    realm: str = "*"
    register_seconds: int = 300
    keep_alive_seconds: float = 30.0  # between OPTIONS; 0 for none
    srtp: str = "off"  # off, optional, mandatory
    codecs: tuple[str, ...] = ("PCMA", "PCMU")  # in order; also G722, opus
    dtmf: str = "rfc4733"  # how keys are sent: rfc4733, info, inband
    session_timer: str = "supported"  # off, supported, required
    session_timer_seconds: int = 1800
    min_session_timer_seconds: int = 90
    redirects: bool = False  # whether a 3xx is followed
    early_media: bool = True

    @property
    def ipv6(self) -> bool:
        """Whether it is called at an IPv6 address."""
        return "[" in (self.outbound_proxies or (self.uri,))[0]


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first message: what a child is to be. It answers with `Ready` or `Broken`."""

    trunks: tuple[TrunkSetup, ...]
    calls: int  # that it may hold at once
    bind_host: str = ""
    port: int = 0  # of UDP, TCP and (one more) TLS; 0 for any
    public_host: str = ""  # what Contact and SDP say behind NAT; empty for the address itself
    rtp_port: int = 0
    rtp_port_range: int = 0
    rate: int = 8000  # of the bridge: 8000 or 16000
    nameservers: tuple[str, ...] = ()  # for DNS SRV and NAPTR; empty for plain look-ups
    stun_servers: tuple[str, ...] = ()
    tls_ca_file: str = ""
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    tls_verify: bool = True
    takes_calls: bool = False  # incoming calls are told of; else they are declined by 488
    jitter_ms: int = 200  # the most that is buffered
    nothing_heard_seconds: float = 30.0  # without RTP, RTCP and hold, after which a call is over
    log_level: int = 2  # 3 at the most counts: from 4 on PJSIP would log keys that are pressed
    registers: bool = True  # one child of a pool registers, and watches trunks by OPTIONS


class Dial(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Place a call. The line counts: never more at once than `Setup.calls`."""

    call: str
    trunk: str
    to_uri: str
    from_uri: str  # `"Name" <sip:+49...@domain>`
    headers: tuple[tuple[str, str], ...] = ()
    inband_digits: bool = False  # also listen for keys in the sound
    detect_machine: bool = False
    listen: bool = False  # send `Sound` of the far end from the answer on
    ring_seconds: float = 30.0  # of ringing without an answer, then CANCEL
    courtesy_seconds: float = 0.0  # wait so long for a greeting, then `Greeted`; 0 for not at all
    route: str = ""  # a URI where requests go; empty for the proxies of the trunk, and its host


class Play(msgspec.Struct, frozen=True, tag=True):
    """Play sound, after what is playing. `Played` says when it is over, heard or stopped."""

    call: str
    playing: int
    pcm: bytes


class Silence(msgspec.Struct, frozen=True, tag=True):
    """Stop what is playing, within a frame."""

    call: str


class SendDigits(msgspec.Struct, frozen=True, tag=True):
    """Send keys to the far end."""

    call: str
    digits: str


class Join(msgspec.Struct, frozen=True, tag=True):
    """Let two calls of this child hear each other (`on`), or no more."""

    call: str
    other: str
    on: bool


class Listen(msgspec.Struct, frozen=True, tag=True):
    """Send `Sound` of what the far end says, or no more."""

    call: str
    on: bool


class Relay(msgspec.Struct, frozen=True, tag=True):
    """Send `Voice`, and take `Feed`, or no more: the far end talks with a telephone elsewhere."""

    call: str
    on: bool


class Feed(msgspec.Struct, frozen=True, tag=True):
    """Live sound (`live_sound`) for the far end as it comes. Kept briefly; late is lost."""

    call: str
    pcm: bytes


class Record(msgspec.Struct, frozen=True, tag=True):
    """Record both sides from now on, or no more. `Recording` comes with the end of the call."""

    call: str
    on: bool


class Accept(msgspec.Struct, frozen=True, tag=True):
    """Answer an incoming call (`Offered`) under the name that it was offered by."""

    call: str


class Decline(msgspec.Struct, frozen=True, tag=True):
    """Decline an incoming call with a status of 400 or more."""

    call: str
    status: int


class HangUp(msgspec.Struct, frozen=True, tag=True):
    """End a call: CANCEL before its answer, BYE after."""

    call: str


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Unregister, take no more calls, and end when the last call is over."""


ToChild = (
    Setup
    | Dial
    | Play
    | Silence
    | SendDigits
    | Join
    | Listen
    | Relay
    | Feed
    | Record
    | Accept
    | Decline
    | HangUp
    | Drain
)


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The child can place calls."""

    version: str  # of PJSIP
    most_calls: int  # that this build holds
    codecs: tuple[str, ...]
    tls: str  # the OpenSSL that it was built with; empty without TLS
    port: int


class Broken(msgspec.Struct, frozen=True, tag=True):
    """The child cannot work, and says why in words for an operator. It ends."""

    detail: str


class Registered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the registration of a trunk stands. `status` is that of SIP, 0 for no answer."""

    trunk: str
    active: bool
    status: int
    reason: str = ""
    expires_seconds: int = 0


class Alive(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A trunk answered an OPTIONS, or did not (status 0, 408 or 503)."""

    trunk: str
    status: int
    reason: str = ""


class Trying(msgspec.Struct, frozen=True, tag=True):
    """The trunk has the call (100): somebody is there."""

    call: str


class Ringing(msgspec.Struct, frozen=True, tag=True):
    """A provisional answer, 180 or 183."""

    call: str
    status: int
    early_media: bool = False


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The far end picked up, and sound flows both ways."""

    call: str
    codec: str
    secure: bool = False


class Digit(msgspec.Struct, frozen=True, tag=True):
    """The far end pressed a key."""

    call: str
    key: str


class Played(msgspec.Struct, frozen=True, tag=True):
    """`Play` number `playing` is over. `heard` says how many seconds of it were sent."""

    call: str
    playing: int
    heard: float


class Sound(msgspec.Struct, frozen=True, tag=True):
    """What the far end said in the last frames."""

    call: str
    pcm: bytes


class Voice(msgspec.Struct, frozen=True, tag=True):
    """Live sound (`live_sound`) of the far end, frame by frame."""

    call: str
    pcm: bytes


class MachineHeard(msgspec.Struct, frozen=True, tag=True):
    """Who picked up (`AnsweredBy`), as far as listening told."""

    call: str
    answered_by: str
    detail: str = ""


class Greeted(msgspec.Struct, frozen=True, tag=True):
    """The far end has ended its greeting, or keeps silent: one may speak. `spoke` tells which."""

    call: str
    spoke: bool


class Recording(msgspec.Struct, frozen=True, tag=True):
    """What was recorded, a WAV file; before `Ended`."""

    call: str
    wav: bytes


class Offered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Somebody calls; it rings until `Accept` or `Decline`."""

    call: str
    sip_call_id: str
    trunk: str
    source: str  # the address and port that the INVITE came from
    from_uri: str
    to_uri: str
    asserted_identity: str = ""  # P-Asserted-Identity
    identity_verified: bool = False  # verstat=TN-Validation-Passed; worth what its source is


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A call is over. `status` is the last of SIP, with its words, and `Reason` and `Contact`.

    `by_far_end` says that the far end hung up or answered with a failure. `lost_packets` and
    `jitter_ms` are of the sound that came in.
    """

    call: str
    status: int
    reason: str = ""
    by_far_end: bool = False
    answered: bool = False
    contact: str = ""
    reason_header: str = ""
    lost_packets: int = 0
    received_packets: int = 0
    jitter_ms: float = 0.0


FromChild = (
    Ready
    | Broken
    | Registered
    | Alive
    | Trying
    | Ringing
    | Answered
    | Digit
    | Played
    | Sound
    | Voice
    | MachineHeard
    | Greeted
    | Recording
    | Offered
    | Ended
)
