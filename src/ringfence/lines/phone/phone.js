// The phone: what the exchange says becomes what one sees and hears, and what one does goes back.

import { Exchange } from "./exchange.js";
import { Sound } from "./sound.js";
import { view } from "./view.js";

const ENDINGS = {
  completed: "Call ended",
  hung_up: "You hung up",
  declined: "Declined",
  missed: "Missed call",
  answered_elsewhere: "Answered on another phone",
  cancelled: "The caller hung up",
  failed: "The call failed",
  lost: "The call was lost",
};
const REFUSALS = {
  replaced: ["This phone is open in another tab.", "Use it here"],
  version: ["The server has been updated.", "Reload"],
  full: ["There are too many phones on this number.", "Try again"],
  refused: ["The server did not understand this phone.", "Reload"],
};
const E164 = /^\+[1-9]\d{6,14}$/;
const AFTER_WELCOME_MS = 400; // by then the exchange has said whether a call goes on
const GRACE_MS = 10_000; // how long the exchange keeps a call for a phone that went away
const BACK_TO_WAITING_MS = 5000; // after a call that was not held here

let exchange = null;
let phase = "setup";
let call = null; // { id, since }
let muted = false;
let captionTimers = [];
let prompt = null;
let timers = {};

const sound = new Sound(showSoundButton);

function showSoundButton() {
  view.needsGesture(!sound.on && phase !== "setup");
}

function enter(next, state) {
  phase = next;
  view.show(next, state);
  showSoundButton();
}

// --- the number ---

const parameters = new URLSearchParams(location.search);
// A plus that was not encoded arrives as a space.
const given = (parameters.get("number") ?? "").trim().replace(/^(?=[1-9])/, "+");

function start(number) {
  view.ownNumber(number);
  view.link(false, "Connecting…");
  enter("waiting", "Waiting for a call");
  exchange = new Exchange(number, { message, up, down, refused });
  exchange.connect();
}

function ask(error = "") {
  enter("setup", "");
  view.numberError(error);
  view.focus("number");
}

view.on("setup", "submit", (event) => {
  event.preventDefault();
  sound.enable();
  const number = view.number().replace(/[\s().\/-]/g, "").replace(/^00/, "+");
  if (!E164.test(number)) {
    ask("That is not a number with country code, such as +49 30 901820.");
    return;
  }
  const url = new URL(location.href);
  url.searchParams.set("number", number);
  history.replaceState(null, "", url);
  view.numberError("");
  start(number);
});

// --- the connection ---

function up() {
  clearTimeout(timers.lost);
  timers.lost = null;
  view.link(true, "Connected");
  if (phase === "notice") enter("waiting", "Waiting for a call");
  clearTimeout(timers.welcome);
  const before = call;
  if (before && !before.over) {
    before.confirmed = false;
    timers.welcome = setTimeout(() => {
      if (call === before && !before.confirmed && !before.over) ended("lost");
    }, AFTER_WELCOME_MS);
  }
}

function down(attempt) {
  silence();
  timers.lost ??= setTimeout(() => (phase === "ringing" || phase === "in-call") && ended("lost"), GRACE_MS);
  view.link(false, attempt > 3 ? "No connection. Signed in?" : "Reconnecting…");
}

function refused(why) {
  sound.stopRinging();
  silence();
  call = null;
  clearInterval(timers.clock);
  view.link(false, "Not connected");
  view.caller("", "");
  if (why === "number") {
    ask("The server does not accept this number.");
    return;
  }
  const [text, action] = REFUSALS[why];
  view.notice(text, action);
  enter("notice", "");
}

view.on("notice-action", "click", () => {
  sound.enable();
  location.reload();
});

// --- what the exchange says ---

function message(said, wav) {
  switch (said.type) {
    case "ring":
      return ringing(said);
    case "connected":
      return connected(said);
    case "prompt":
      return speak(said, wav);
    case "stop":
      return said.prompt_id === prompt?.prompt_id && silence();
    case "ended":
      return said.call_id === call?.id && ended(said.reason);
  }
}

function ringing(said) {
  clearTimeout(timers.waiting);
  if (call?.id === said.call_id && phase === "ringing") {
    call.confirmed = true;
    return;
  }
  call = { id: said.call_id, since: 0, confirmed: true, over: false };
  silence();
  view.clearCall();
  view.caller(said.caller_name, said.from_number);
  enter("ringing", "Incoming call");
  sound.ring();
  view.focus("answer");
}

function connected(said) {
  clearTimeout(timers.waiting);
  sound.stopRinging();
  const goesOn = call?.id === said.call_id && phase === "in-call";
  if (!goesOn && call?.id !== said.call_id) view.clearCall();
  call = { id: said.call_id, since: performance.now() - said.elapsed_ms, confirmed: true, over: false };
  view.caller(said.caller_name, said.from_number);
  clearInterval(timers.clock);
  timers.clock = setInterval(showTime, 250);
  showTime();
  if (goesOn) return;
  setMuted(false);
  enter("in-call", said.caller_name ? said.from_number : "In a call");
  view.focus("keypad");
}

function showTime() {
  view.timer(performance.now() - call.since);
}

function speak(said, wav) {
  if (said.call_id !== call?.id) return;
  silence();
  prompt = said;
  sound.speak(
    wav,
    said.offset_ms,
    said.duration_ms,
    () => {
      exchange.send({ type: "started", prompt_id: said.prompt_id });
      for (const caption of said.captions) {
        if (caption.at_ms < said.offset_ms) continue;
        captionTimers.push(setTimeout(() => view.caption(caption.text), caption.at_ms - said.offset_ms));
      }
    },
    () => {
      if (prompt === said) prompt = null;
      exchange.send({ type: "finished", prompt_id: said.prompt_id });
    },
  );
}

function silence() {
  sound.stopSpeaking();
  captionTimers.forEach(clearTimeout);
  captionTimers = [];
  prompt = null;
}

function ended(reason) {
  sound.stopRinging();
  silence();
  clearInterval(timers.clock);
  if (call) call.over = true;
  const held = phase === "in-call";
  if (held) showTime();
  enter(held ? "ended" : "missed", ENDINGS[reason] ?? "Call ended");
  if (!held) {
    timers.waiting = setTimeout(() => {
      view.caller("", "");
      enter("waiting", "Waiting for a call");
    }, BACK_TO_WAITING_MS);
  }
}

// --- what one does ---

const answer = () => phase === "ringing" && exchange.send({ type: "answer", call_id: call.id });
const decline = () => phase === "ringing" && exchange.send({ type: "decline", call_id: call.id });
const hangUp = () => phase === "in-call" && exchange.send({ type: "hang_up", call_id: call.id });

function press(key) {
  if (phase !== "in-call") return;
  exchange.send({ type: "key", call_id: call.id, key });
  if (prompt?.interruptible) silence();
  sound.key(key);
  view.pressed(key);
  view.caption(key, true);
}

function setMuted(next) {
  muted = next;
  sound.mute(muted);
  view.muted(muted);
}

view.on("answer", "click", answer);
view.on("decline", "click", decline);
view.on("hang-up", "click", hangUp);
view.on("mute", "click", () => setMuted(!muted));
view.on("enable-sound", "click", () => sound.enable());
view.on("keypad", "click", (event) => {
  const key = event.target.closest("[data-key]")?.dataset.key;
  if (key) press(key);
});

document.addEventListener("pointerdown", () => sound.enable());
document.addEventListener("keydown", (event) => {
  sound.enable();
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLInputElement) return;
  const onButton = event.target instanceof HTMLButtonElement;
  if (/^[0-9*#]$/.test(event.key)) press(event.key);
  else if (event.key === "Escape") phase === "ringing" ? decline() : hangUp();
  else if (event.key === "Enter" && !onButton) answer();
  else if (event.key.toLowerCase() === "m" && phase === "in-call") setMuted(!muted);
});

if (E164.test(given)) start(given);
else ask(given ? "The number in the address is not one with country code." : "");
