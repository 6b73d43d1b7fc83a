// What one sees. `show(phase)` decides which parts of the page are there; nothing here knows why.

const $ = (id) => document.getElementById(id);

const PARTS = {
  setup: ["setup"],
  waiting: ["hint"],
  ringing: ["ringing-actions"],
  missed: ["hint"],
  "in-call": ["captions", "say", "keypad", "call-actions", "timer"],
  ended: ["captions", "timer", "hint"],
  notice: ["notice"],
};
const ALL = [...new Set(Object.values(PARTS).flat())];
const LONGEST_LOG = 200;
const TYPE_INSTEAD = "Type what you want to say.";
const MICROPHONE = {
  asking: "Let the browser use the microphone, so that you are heard.",
  on: "The other side hears you.",
  silent: "Turn on sound, so that you hear each other.",
  off: "Your microphone is muted.",
  denied: `The browser may not use the microphone. ${TYPE_INSTEAD}`,
  missing: `There is no microphone. ${TYPE_INSTEAD}`,
  insecure: `Browsers let one talk only on secure pages (HTTPS, or localhost). ${TYPE_INSTEAD}`,
};
const HEARD_AT = 0.1; // the level at which the ring around the other side is at its largest

export const view = {
  phone: $("phone"),

  show(phase, state) {
    this.phone.dataset.phase = phase;
    for (const id of ALL) $(id).hidden = !PARTS[phase].includes(id);
    this.state(state);
    $("hint").textContent =
      phase === "ended"
        ? "This phone is waiting for the next call."
        : "Leave this page open. It rings when there is a call.";
    document.title = phase === "ringing" ? "☎ Incoming call" : phase === "in-call" ? "In a call" : "Phone";
  },

  state(text) {
    $("state").textContent = text;
  },

  link(up, text) {
    this.phone.dataset.link = up ? "up" : "down";
    $("presence-text").textContent = text;
  },

  ownNumber(number) {
    $("own-number").textContent = number;
  },

  caller(name, number) {
    $("caller-name").textContent = name || number;
    $("caller-number").textContent = name ? number : "";
  },

  timer(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    $("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  },

  clearCall() {
    $("captions").replaceChildren();
    $("pressed").textContent = "";
    $("words").value = "";
    this.sayError("");
  },

  /** What was said: by us (`own`), by the other phone (`who` is at it), or by the call. */
  caption(text, { own = false, who = "" } = {}) {
    const line = document.createElement("li");
    line.className = own ? "own" : "now";
    if (who) {
      const name = document.createElement("small");
      name.textContent = who;
      line.append(name);
    }
    line.append(text);
    this.log(line);
  },

  /** What became of the call. */
  note(text) {
    const line = document.createElement("li");
    line.className = "note";
    line.textContent = text;
    this.log(line);
  },

  log(line) {
    const captions = $("captions");
    captions.querySelector(".now")?.classList.remove("now");
    captions.append(line);
    while (captions.children.length > LONGEST_LOG) captions.firstChild.remove();
    captions.scrollTop = captions.scrollHeight;
  },

  pressed(key) {
    const pressed = $("pressed");
    pressed.textContent = (pressed.textContent + key).slice(-12);
    const button = this.phone.querySelector(`[data-key="${CSS.escape(key)}"]`);
    button.classList.add("down");
    setTimeout(() => button.classList.remove("down"), 150);
  },

  muted(muted) {
    $("mute").setAttribute("aria-pressed", String(muted));
    $("mute-label").textContent = muted ? "Muted" : "Mute";
  },

  needsGesture(needed, inCall) {
    $("enable-sound").hidden = !needed;
    $("sound-for").textContent = inCall ? "for this call" : "to hear it ring";
  },

  /** Being put through: `connecting`, `talking`, or empty. */
  talk(state) {
    this.phone.dataset.talk = state;
  },

  microphone(state) {
    $("microphone").hidden = !state;
    $("microphone").dataset.state = state;
    $("microphone-text").textContent = MICROPHONE[state] ?? "";
  },

  /** How loud the other side is, 0-1. */
  level(level) {
    this.phone.style.setProperty("--level", Math.min(1, level / HEARD_AT).toFixed(2));
  },

  /** The words that were typed, which leave the field. */
  takeWords() {
    const text = $("words").value.trim();
    $("words").value = "";
    return text;
  },

  /** Whether the browser can be asked to understand speech. */
  recognition(possible) {
    $("listen").hidden = !possible;
  },

  listening(listening) {
    $("listen").setAttribute("aria-pressed", String(listening));
    $("words").placeholder = listening ? "Listening…" : "";
  },

  /** What is understood so far of what one says. */
  hearing(text) {
    $("words").placeholder = text || "Listening…";
  },

  sayError(text) {
    $("say-error").textContent = text;
    $("say-error").hidden = !text;
  },

  numberError(text) {
    $("number-error").textContent = text;
    $("number").setAttribute("aria-invalid", String(Boolean(text)));
  },

  notice(text, action) {
    $("notice-text").textContent = text;
    $("notice-action").textContent = action;
  },

  focus(id) {
    $(id).focus({ preventScroll: true });
  },

  on(id, type, handler) {
    $(id).addEventListener(type, handler);
  },

  number() {
    return $("number").value;
  },
};
