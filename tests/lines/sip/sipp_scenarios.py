"""What SIPp plays: the steps of a far end, as its XML."""

from __future__ import annotations

_SDP = """v=0
o=far 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [rtp] RTP/AVP 8 120
a=rtpmap:8 PCMA/8000
a=rtpmap:120 telephone-event/8000
a=fmtp:120 0-15
a=%s
"""


def scenario(*parts: str) -> str:
    body = "\n".join(parts)
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n'
        f'<scenario name="far end">\n{body}\n</scenario>\n'
    )


def receive(method: str) -> str:
    return f'<recv request="{method}" crlf="true"/>'


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def respond(status: str, sdp: bool = False, headers: str = "", direction: str = "sendrecv") -> str:
    body = _SDP % direction if sdp else ""
    kind = "Content-Type: application/sdp\n" if sdp else ""
    tag = "" if status.startswith("100") else ";tag=[pid]far[call_number]"
    return f"""<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@127.0.0.1:[local_port]>
{headers}{kind}Content-Length: [len]

{body}]]></send>"""


def reply(status: str = "200 OK") -> str:
    """An answer within the dialogue, which has its tags already."""
    return f"""<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@127.0.0.1:[local_port]>
Content-Length: 0

]]></send>"""


def send(
    method: str,
    headers: str = "",
    *,
    sdp: bool = False,
    direction: str = "sendrecv",
    body: str = "",
    kind: str = "application/sdp",
) -> str:
    """A request of the far end within the dialogue that it answered."""
    text = _SDP % direction if sdp else body
    content = f"Content-Type: {kind}\n" if text else ""
    return f"""<send retrans="500"><![CDATA[
{method} [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:far@127.0.0.1>;tag=[pid]far[call_number]
To:[$remote]
Call-ID: [call_id]
CSeq: [cseq] {method}
Max-Forwards: 70
Contact: <sip:far@127.0.0.1:[local_port]>
{headers}{content}Content-Length: [len]

{text}]]></send>"""


def receive_status(status: int) -> str:
    return f'<recv response="{status}" crlf="true"/>'


def _keeping(header: str, name: str, expression: str = ".*") -> str:
    return f'<ereg regexp="{expression}" search_in="hdr" header="{header}:" assign_to="{name}"/>'


TALK = (  # an answer by a far end that will `send`
    '<recv request="INVITE" crlf="true"><action>'
    + _keeping("From", "remote")
    + _keeping("Contact", "contact", "sip:[^&gt;]*")
    + "</action></recv>",
    respond("180 Ringing"),
    respond("200 OK", sdp=True),
    receive("ACK"),
)
ANSWER = (receive("INVITE"), respond("180 Ringing"), respond("200 OK", sdp=True), receive("ACK"))
HUNG_UP = (receive("BYE"), reply())
