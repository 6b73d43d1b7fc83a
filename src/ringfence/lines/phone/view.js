// What one sees. `show(phase)` decides which parts of the page are there; nothing here knows why.

const $ = (id) => document.getElementById(id);

const PARTS = {
  setup: ["setup"],
  waiting: ["hint"],
  ringing: ["ringing-actions"],
  missed: ["hint"],
  "in-call": ["captions", "keypad", "call-actions", "timer"],
  ended: ["captions", "timer", "hint"],
  notice: ["notice"],
};
const ALL = [...new Set(Object.values(PARTS).flat())];
const LONGEST_LOG = 200;

export const view = {
  phone: $("phone"),

  show(phase, state) {
    this.phone.dataset.phase = phase;
    for (const id of ALL) $(id).hidden = !PARTS[phase].includes(id);
    $("state").textContent = state;
    $("hint").textContent =
      phase === "ended"
        ? "This phone is waiting for the next call."
        : "Leave this page open. It rings when there is a call.";
    document.title = phase === "ringing" ? "☎ Incoming call" : phase === "in-call" ? "In a call" : "Phone";
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
  },

  caption(text, own = false) {
    const captions = $("captions");
    captions.querySelector(".now")?.classList.remove("now");
    const line = document.createElement("li");
    line.textContent = text;
    line.className = own ? "own" : "now";
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

  needsGesture(needed) {
    $("enable-sound").hidden = !needed;
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
