// The phone: what the exchange says becomes what one sees and hears, and what one does goes back.

import { Exchange } from "./exchange.js";
import { e164, givenNumber, keepNumber } from "./number.js";
import { Prompt } from "./prompt.js";
import { Say } from "./say.js";
import { Sound } from "./sound.js";
import { Through } from "./through.js";
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
const KEY = /^[0-9*#]$/;
const LONGEST_WORDS = 500; // characters
const AFTER_WELCOME_MS = 400; // by then the exchange has said whether a call goes on
const GRACE_MS = 10_000; // how long the exchange keeps a call for a phone that went away
const BACK_TO_WAITING_MS = 5000; // after a call that was not held here

let exchange = null;
let phase = "setup";
let call = null; // { id, number, name, since, confirmed, over }
let muted = false;
let timers = {};

const sound = new Sound(() => {
  showSoundButton();
  through.soundChanged();
});
const send = (message) => exchange.send(message);
const prompt = new Prompt(sound, { caption: (text) => view.caption(text), send });
const say = new Say(view, { words });
const through = new Through(view, sound, {
  frame: (frame) => exchange.sendFrame(frame),
  began: () => {
    setMuted(false);
    say.offer(false); // the microphone is the other side's now
  },
  over: () => {
    setMuted(false);
    say.offer(true);
  },
});

function showSoundButton() {
  view.needsGesture(!sound.on && phase !== "setup", phase === "in-call");
}

function enter(next, state) {
  phase = next;
  view.show(next, state);
  showSoundButton();
}

// --- the number ---

function start(number) {
  view.ownNumber(number);
  view.link(false, "Connecting…");
  enter("waiting", "Waiting for a call");
  exchange = new Exchange(number, { message, frame: (frame) => through.hear(frame), up, down, refused });
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
  const number = e164(view.number());
  if (!number) {
    ask("That is not a number with country code, such as +49 30 901820.");
    return;
  }
  keepNumber(number);
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
    through.doubt();
    timers.welcome = setTimeout(() => {
      if (call?.id !== before.id || call.over) return;
      if (call.confirmed) through.confirm(call);
      else ended("lost");
    }, AFTER_WELCOME_MS);
  }
}

function down(attempt) {
  prompt.stop();
  timers.lost ??= setTimeout(() => (phase === "ringing" || phase === "in-call") && ended("lost"), GRACE_MS);
  view.link(false, attempt > 3 ? "No connection. Signed in?" : "Reconnecting…");
}

function refused(why) {
  sound.stopRinging();
  fallSilent();
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
      return said.call_id === call?.id && prompt.play(said, wav);
    case "stop":
      return prompt.stopIf(said.prompt_id);
  }
  if (!call || said.call_id !== call.id || call.over) return;
  switch (said.type) {
    case "connecting":
      return through.connecting(call, said);
    case "bridged":
      return through.bridged(call, said);
    case "parted":
      return through.parted(call, said.reached);
    case "tone":
      return through.tone(said);
    case "said":
      return through.said(said);
    case "ended":
      return ended(said.reason);
  }
}

function begin(said, since) {
  const { call_id: id, from_number: number, caller_name: name } = said;
  call = { id, number, name, since, confirmed: true, over: false };
}

function ringing(said) {
  clearTimeout(timers.waiting);
  if (call?.id === said.call_id && phase === "ringing") {
    call.confirmed = true;
    return;
  }
  begin(said, 0);
  fallSilent();
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
  begin(said, performance.now() - said.elapsed_ms);
  clearInterval(timers.clock);
  timers.clock = setInterval(showTime, 250);
  showTime();
  if (goesOn) return;
  view.caller(said.caller_name, said.from_number);
  setMuted(false);
  say.begin(said.language || navigator.language);
  enter("in-call", said.caller_name ? said.from_number : "In a call");
  view.focus("keypad");
}

function showTime() {
  view.timer(performance.now() - call.since);
}

function fallSilent() {
  prompt.stop();
  say.stop();
  through.stop();
}

function ended(reason) {
  sound.stopRinging();
  fallSilent();
  if (call) view.caller(call.name, call.number);
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

const answer = () => phase === "ringing" && send({ type: "answer", call_id: call.id });
const decline = () => phase === "ringing" && send({ type: "decline", call_id: call.id });
const hangUp = () => phase === "in-call" && send({ type: "hang_up", call_id: call.id });

function press(key) {
  if (phase !== "in-call") return;
  send({ type: "key", call_id: call.id, key });
  prompt.interrupt();
  sound.key(key);
  view.pressed(key);
  view.caption(key, { own: true });
}

function words(text) {
  if (phase !== "in-call") return;
  if (KEY.test(text)) return press(text); // typed in the wrong place
  const said = text.slice(0, LONGEST_WORDS);
  send({ type: "say", call_id: call.id, text: said });
  prompt.interrupt();
  view.caption(said, { own: true });
}

/** In a talk the microphone is muted, else the voice of the call. */
function setMuted(next) {
  muted = next;
  through.mute(muted);
  sound.mute(muted && !through.talking);
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
  if (KEY.test(event.key)) press(event.key);
  else if (event.key === "Escape") phase === "ringing" ? decline() : hangUp();
  else if (event.key === "Enter" && !onButton) answer();
  else if (event.key.toLowerCase() === "m" && phase === "in-call") setMuted(!muted);
  else if (event.key.toLowerCase() === "s" && phase === "in-call") {
    event.preventDefault(); // it is not the first letter
    view.focus("words");
  }
});

const given = givenNumber();
if (given && e164(given) === given) start(given);
else ask(given ? "The number in the address is not one with country code." : "");
