"""From a call request and a trunk to what a child process dials. Pure.

URIs of telephone numbers: RFC 3261, 19.1.6. P-Asserted-Identity and Privacy: RFC 3325, RFC 3323.
"""

from __future__ import annotations

import re

from ringfence.lines.line import CallRequest
from ringfence.lines.sip.messages import Dial, TrunkSetup
from ringfence.lines.sip.settings import SipSettings, TrunkSettings, host_and_port

_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\<>]')
_ANONYMOUS = "sip:anonymous@anonymous.invalid"
_NUMBER_USER = re.compile(r"(?:sips?|tel):(\+?[0-9().-]{3,24})(?:[;@]|$)", re.IGNORECASE)


def trunk_setup(trunk: TrunkSettings) -> TrunkSetup:
    """A trunk as a child process needs it, with its secrets in clear. Raises `InvalidInput`."""
    domain = trunk.domain or _without_port(trunk.host)
    return TrunkSetup(
        name=trunk.name,
        uri=_uri(trunk, trunk.host),
        transport=trunk.transport,
        id_uri=f"sip:{trunk.username or 'ringfence'}@{domain}",
        registrar=_uri(trunk, trunk.registrar or trunk.host) if trunk.register else "",
        outbound_proxies=(f"{_uri(trunk, trunk.outbound_proxy)};lr",)
        if trunk.outbound_proxy
        else (),
        username=trunk.username,
        password=trunk.secret_password,
        realm=trunk.realm,
        register_seconds=trunk.register_seconds,
        keep_alive_seconds=trunk.keep_alive_seconds,
        srtp=trunk.srtp,
        codecs=trunk.codecs,
        dtmf=trunk.dtmf,
        session_timer=trunk.session_timer,
        session_timer_seconds=trunk.session_timer_seconds,
        redirects=trunk.follow_redirects,
    )


def dial_of(
    call: str, request: CallRequest, trunk: TrunkSettings, settings: SipSettings, route: str = ""
) -> Dial:
    """What a child dials for `request` on `trunk`, under the name `call`, by this route."""
    to_number = written(request.to_number, trunk.dial)
    domain = trunk.domain or _without_port(trunk.host)
    caller = f"sip:{written(request.from_number, trunk.caller)}@{domain}"
    headers: list[tuple[str, str]] = []
    if trunk.assert_identity:
        headers.append(("P-Asserted-Identity", f"<{caller}>"))
    if trunk.withhold_number:
        headers.append(("Privacy", "id"))
    name = _UNSAFE.sub("", request.caller_name).strip()[:64]
    shown = _ANONYMOUS if trunk.withhold_number else caller
    display = '"Anonymous" ' if trunk.withhold_number else f'"{name}" ' if name else ""
    transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    return Dial(
        call=call,
        trunk=trunk.name,
        to_uri=f"sip:{to_number}@{trunk.host};user=phone{transport}",
        from_uri=f"{display}<{shown}>",
        headers=tuple(headers),
        inband_digits=trunk.inband_digits,
        detect_machine=request.detect_machine,
        courtesy_seconds=settings.courtesy_seconds,
        ring_seconds=request.ring_timeout_seconds,
        route=route,
    )


def written(number: str, form: str) -> str:
    """`number` (E.164) as a trunk writes it: `{e164}`, `{digits}` or `{national}` within `form`."""
    national = _national(number) if "{national}" in form else ""
    return form.format(e164=number, digits=number.removeprefix("+"), national=national)


def number_of_uri(uri: str, numbers: frozenset[str], country: str) -> str:
    """The E.164 number that a SIP or tel URI names; empty for none.

    `numbers` are ours, which are recognised however a trunk writes them; any other is read as a
    number of `country` (ISO 3166, empty when unknown).
    """
    import phonenumbers

    found = _NUMBER_USER.match(uri)
    if found is None:
        return ""
    user = re.sub(r"[().-]", "", found[1])
    for ours in numbers:
        if user in (ours, ours[1:], f"00{ours[1:]}", _national(ours)):
            return ours
    try:
        parsed = phonenumbers.parse(user, country or None)
        if not phonenumbers.is_valid_number(parsed) and not user.startswith("+"):
            parsed = phonenumbers.parse(f"+{user}")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def country_of(numbers: frozenset[str]) -> str:
    """The country (ISO 3166) that most of these numbers are in; empty without any."""
    import phonenumbers

    regions = [
        phonenumbers.region_code_for_country_code(phonenumbers.parse(each).country_code or 0)
        for each in sorted(numbers)
    ]
    known = [region for region in regions if region not in ("ZZ", "001")]
    return max(known, key=known.count) if known else ""


def _national(number: str) -> str:
    import phonenumbers

    parsed = phonenumbers.parse(number)
    shown = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(sign for sign in shown if sign.isdigit())


def _uri(trunk: TrunkSettings, host: str) -> str:
    transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    return f"sip:{host}{transport}"


def _without_port(host: str) -> str:
    name, _ = host_and_port(host)
    return f"[{name}]" if host.startswith("[") else name
