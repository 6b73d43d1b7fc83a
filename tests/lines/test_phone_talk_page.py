"""Two phone pages in a real Chromium that are put through to each other, with a microphone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from chromium import CHROMIUM, FLAGS
from phone_pages import BEEPING, open_phone
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from telephones import BANK, Exchange, exchange, spoken

from ringfence.flows.participant import Destination, NotConnected, Participant, Reply
from ringfence.lines import CallEnd

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)
OTHER = "+12065550123"
# Resolves once the other side is louder than `least` here, or has not been for `quiet` ms.
_LISTEN = """({ least, quiet }) => new Promise((heard) => {
    const phone = document.getElementById("phone");
    let since = performance.now();
    const look = () => {
        const level = Number(phone.style.getPropertyValue("--level"));
        if (level > least) since = performance.now();
        const done = quiet ? performance.now() - since > quiet : level > least;
        if (done) heard(); else setTimeout(look, 20);
    };
    look();
})"""


@pytest.fixture
async def there() -> AsyncIterator[Exchange]:
    async with exchange() as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *BEEPING]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def context(browser: Browser) -> BrowserContext:
    context = await browser.new_context(viewport={"width": 700, "height": 860})
    context.set_default_timeout(15_000)
    return context


async def tones_counted(context: BrowserContext) -> None:
    """Let the pages that open from now on keep the frequencies of their tones, as `tones`."""
    await context.add_init_script(
        """window.tones = [];
        const { start } = OscillatorNode.prototype;
        OscillatorNode.prototype.start = function (at) {
            tones.push(Math.round(this.frequency.value));
            return start.call(this, at);
        };"""
    )


async def without_microphone(context: BrowserContext) -> None:
    """Refuse the microphone to the pages that open from now on, as a person would."""
    await context.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('no', 'NotAllowedError'); }"
    )


class Conversation:
    """Puts the caller through, and then asks him for a reply."""

    def __init__(self, *, ring_seconds: float = 30.0, digits: str = "") -> None:
        self.destination = Destination(OTHER, BANK, "Ringfence Bank", ring_seconds, digits)
        self.failed: NotConnected | None = None
        self.reply: Reply | None = None

    async def __call__(self, participant: Participant) -> None:
        try:
            await participant.connect(self.destination)
        except NotConnected as error:
            self.failed = error
        self.reply = await participant.reply(20)


async def accept(page: Page) -> None:
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("button", name="Hang up")).to_be_visible()


async def hears(page: Page) -> None:
    """Wait until the other side's microphone, which beeps each second, sounds at `page`."""
    async with asyncio.timeout(15):
        await page.evaluate(_LISTEN, {"least": 0.05, "quiet": 0})


async def hears_nothing(page: Page) -> None:
    """Wait until nothing sounds at `page` for longer than from one beep to the next."""
    async with asyncio.timeout(15):
        await page.evaluate(_LISTEN, {"least": 0.02, "quiet": 1600})


async def test_two_phones_that_are_put_through_hear_each_other_until_the_second_hangs_up(
    context: BrowserContext, there: Exchange
) -> None:
    near, near_errors = await open_phone(context, there)
    far, far_errors = await open_phone(context, there, OTHER)
    conversation = Conversation()
    call = there.place(conversation)
    await accept(near)
    await expect(near.get_by_text("Ringing…")).to_be_visible()
    await expect(near.get_by_role("heading", name=OTHER)).to_be_visible()
    await accept(far)
    await expect(near.get_by_text("Put through by Ringfence Bank")).to_be_visible()
    await expect(far.get_by_role("log")).to_contain_text("Connected with Ringfence Bank")
    for page in (near, far):
        await expect(page.get_by_text("The other side hears you.")).to_be_visible()
        await hears(page)
    await far.get_by_role("button", name="Hang up").click()
    await expect(far.get_by_text("You hung up")).to_be_visible()
    await expect(near.get_by_role("heading", name="Ringfence Bank")).to_be_visible()
    await expect(near.get_by_role("log")).to_contain_text(f"No longer connected with {OTHER}")
    await expect(near.get_by_text("The other side hears you.")).to_be_hidden()
    await near.get_by_label("Say", exact=True).fill("Block my card, please")
    await near.keyboard.press("Enter")
    assert (await asyncio.wait_for(call, 10)).end is CallEnd.COMPLETED
    assert conversation.reply == Reply(words="Block my card, please")
    assert near_errors == far_errors == []


async def test_the_first_one_hanging_up_ends_the_call_for_both(
    context: BrowserContext, there: Exchange
) -> None:
    near, _ = await open_phone(context, there)
    far, _ = await open_phone(context, there, OTHER)
    call = there.place(Conversation())
    await accept(near)
    await accept(far)
    await expect(near.get_by_role("log")).to_contain_text(f"Connected with {OTHER}")
    await near.get_by_role("button", name="Hang up").click()
    await expect(near.get_by_text("You hung up")).to_be_visible()
    await expect(far.get_by_text("Call ended")).to_be_visible()
    await expect(far.get_by_text("The other side hears you.")).to_be_hidden()
    assert (await asyncio.wait_for(call, 10)).end is CallEnd.HUNG_UP


async def test_muting_in_a_talk_silences_the_microphone_alone(
    context: BrowserContext, there: Exchange
) -> None:
    near, _ = await open_phone(context, there)
    far, _ = await open_phone(context, there, OTHER)
    call = there.place(Conversation())
    await accept(near)
    await accept(far)
    await hears(far)
    await near.get_by_role("button", name="Mute").click()
    await expect(near.get_by_text("Your microphone is muted.")).to_be_visible()
    await hears_nothing(far)
    await hears(near)
    await near.get_by_role("button", name="Muted").click()
    await hears(far)
    await near.keyboard.press("Escape")
    await asyncio.wait_for(call, 10)


async def test_keys_and_typed_words_reach_the_other_phone_and_not_the_flow(
    context: BrowserContext, there: Exchange
) -> None:
    near, _ = await open_phone(context, there)
    await without_microphone(context)
    await tones_counted(context)
    far, far_errors = await open_phone(context, there, OTHER)
    conversation = Conversation(digits="5#")
    call = there.place(conversation)
    await accept(near)
    await accept(far)
    await expect(far.get_by_text("The browser may not use the microphone.")).to_be_visible()
    await expect(far.get_by_role("listitem").filter(has_text="5")).to_be_visible()
    await hears(far)  # who has no microphone can hear all the same
    await far.get_by_label("Say", exact=True).fill("I read you, and type.")
    await far.get_by_role("button", name="Say it").click()
    said = near.get_by_role("listitem").filter(has_text="I read you, and type.")
    await expect(said).to_contain_text(OTHER)
    await near.keyboard.press("7")
    await expect(far.get_by_role("listitem").filter(has_text="7")).to_be_visible()
    heard = await far.evaluate("tones")
    assert {770, 1336, 852, 1209} <= set(heard)  # the tones of 5, which the flow sent, and of 7
    assert 425 not in heard
    await far.keyboard.press("s")
    await far.keyboard.press("Escape")
    await expect(far.get_by_label("Keypad")).to_be_focused()
    await far.keyboard.press("Escape")
    await expect(near.get_by_role("log")).to_contain_text("No longer connected")
    assert "digit" not in there.happened()
    await near.keyboard.press("3")
    await asyncio.wait_for(call, 10)
    assert conversation.reply == Reply(key="3")
    assert far_errors == []


async def test_nobody_answering_or_declining_brings_the_first_phone_back(
    context: BrowserContext, there: Exchange
) -> None:
    await tones_counted(context)
    near, errors = await open_phone(context, there)
    far, _ = await open_phone(context, there, OTHER)
    late = Conversation(ring_seconds=2.0)
    call = there.place(late)
    await accept(near)
    await expect(near.get_by_role("log")).to_contain_text(f"{OTHER} was not reached")
    await expect(near.get_by_role("heading", name="Ringfence Bank")).to_be_visible()
    await near.keyboard.press("1")
    await asyncio.wait_for(call, 10)
    assert late.failed is not None
    assert late.failed.timed_out
    assert 425 in await near.evaluate("tones")  # it was heard to ring
    declined = Conversation()
    call = there.place(declined)
    await accept(near)
    await far.get_by_role("button", name="Decline").click()
    await expect(near.get_by_role("log")).to_contain_text(f"{OTHER} was not reached")
    await near.keyboard.press("1")
    await asyncio.wait_for(call, 10)
    assert declined.failed is not None
    assert not declined.failed.timed_out
    assert errors == []


async def test_a_reload_in_a_talk_comes_back_to_it(
    context: BrowserContext, there: Exchange
) -> None:
    near, _ = await open_phone(context, there)
    far, _ = await open_phone(context, there, OTHER)
    call = there.place(Conversation())
    await accept(near)
    await accept(far)
    for page, name in ((near, OTHER), (far, "Ringfence Bank")):
        await page.reload()
        await expect(page.get_by_role("heading", name=name)).to_be_visible()
        await expect(page.get_by_text("The other side hears you.")).to_be_visible()
    await hears(near)
    await hears(far)
    await near.get_by_role("button", name="Hang up").click()
    await asyncio.wait_for(call, 10)


async def test_a_page_that_may_not_sound_yet_says_so_instead_of_claiming_to_be_heard(
    context: BrowserContext, there: Exchange
) -> None:
    await context.add_init_script(  # a browser that insists on a gesture even while it records
        """const { resume } = AudioContext.prototype;
        let touched = false;
        addEventListener("pointerdown", () => { touched = true; }, true);
        AudioContext.prototype.resume = async function () {
            if (!touched) throw new DOMException("", "NotAllowedError");
            return resume.call(this);
        };"""
    )
    near, errors = await open_phone(context, there)
    far, _ = await open_phone(context, there, OTHER)
    call = there.place(Conversation())
    await accept(near)
    await accept(far)
    await expect(near.get_by_text("The other side hears you.")).to_be_visible()
    await near.reload()
    await expect(near.get_by_text("Turn on sound, so that you hear each other.")).to_be_visible()
    await near.get_by_role("button", name="Turn on sound for this call").click()
    await expect(near.get_by_text("The other side hears you.")).to_be_visible()
    await hears(near)
    await near.get_by_role("button", name="Hang up").click()
    await asyncio.wait_for(call, 10)
    assert errors == []


_CUT = """
const sockets = [];
window.WebSocket = class extends WebSocket {
    constructor(url) {
        super(window.cut ? "ws://127.0.0.1:9/" : url);
        sockets.push(this);
    }
};
window.cutOff = () => { window.cut = true; sockets.at(-1).close(); };
"""


async def test_a_lost_connection_comes_back_to_the_talk_with_its_microphone_still_muted(
    context: BrowserContext, there: Exchange
) -> None:
    await context.add_init_script(_CUT)
    near, _ = await open_phone(context, there)
    far, _ = await open_phone(context, there, OTHER)
    call = there.place(Conversation())
    await accept(near)
    await accept(far)
    await near.get_by_role("button", name="Mute").click()
    await near.evaluate("cutOff()")
    await expect(near.get_by_text("Reconnecting…")).to_be_visible()
    await near.evaluate("cut = false")
    await expect(near.get_by_text("Connected", exact=True)).to_be_visible()
    await hears(near)
    await expect(near.get_by_text("Your microphone is muted.")).to_be_visible()
    await expect(near.get_by_role("heading", name=OTHER)).to_be_visible()
    await near.evaluate("cutOff()")
    await expect(near.get_by_text("Reconnecting…")).to_be_visible()
    await far.get_by_role("button", name="Hang up").click()
    await expect(far.get_by_text("You hung up")).to_be_visible()
    await near.evaluate("cut = false")
    await expect(near.get_by_role("log")).to_contain_text(f"No longer connected with {OTHER}")
    await expect(near.get_by_role("button", name="Mute", exact=True)).to_be_visible()
    await near.get_by_role("button", name="Hang up").click()
    await asyncio.wait_for(call, 10)


async def test_words_interrupt_a_prompt_and_stand_among_the_captions(
    context: BrowserContext, there: Exchange
) -> None:
    replies: list[Reply | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.say(spoken("Please tell us. " * 20), interruptible=True)
        replies.append(await participant.reply(10))
        replies.append(await participant.reply(10))

    page, errors = await open_phone(context, there)
    call = there.place(conversation)
    await accept(page)
    await expect(page.get_by_role("log")).to_contain_text("Please tell us.")
    await page.keyboard.press("s")
    await expect(page.get_by_label("Say", exact=True)).to_be_focused()
    await page.keyboard.type("It was me, 12 times")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("It was me, 12 times")
    await expect(page.get_by_label("Keys pressed")).to_have_text("")
    await page.keyboard.type("4")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Keys pressed")).to_have_text("4")
    await asyncio.wait_for(call, 10)
    assert replies == [Reply(words="It was me, 12 times"), Reply(key="4")]
    assert errors == []


async def test_words_that_the_browser_understands_are_said(
    context: BrowserContext, there: Exchange
) -> None:
    replies: list[Reply | None] = []

    async def conversation(participant: Participant) -> None:
        replies.append(await participant.reply(20))
        await participant.reply(20)

    # Chromium has the interface but no recogniser of its own: the words come from here.
    await context.add_init_script(
        """window.SpeechRecognition = window.webkitSpeechRecognition = class {
            start() {
                window.asked = this.lang;
                const result = Object.assign([{ transcript: " yes please " }], { isFinal: true });
                setTimeout(() => this.onresult({ results: [result], resultIndex: 0 }));
            }
            abort() {}
        };"""
    )
    page, _ = await open_phone(context, there)
    call = there.place(conversation)
    await accept(page)
    listen = page.get_by_role("button", name="Speak instead of typing")
    await expect(listen).to_have_attribute("aria-pressed", "false")
    await listen.click()
    await expect(listen).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("log")).to_contain_text("yes please")
    assert await page.evaluate("window.asked") == "en-US"
    await listen.click()
    await expect(listen).to_have_attribute("aria-pressed", "false")
    await page.get_by_role("button", name="Hang up").click()
    await asyncio.wait_for(call, 10)
    assert replies == [Reply(words="yes please")]
