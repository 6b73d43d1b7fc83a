// Being put through to another phone: who that is, and what one sees and hears of it.

import { Talk } from "./talk.js";

export class Through {
  #view;
  #sound;
  #on;
  #talk;
  #other = null; // { number, who, reached, confirmed }
  #microphone = "";

  /**
   * `on` has `frame(frame)` for what is said here, and `began()` and `over()` for the talk itself.
   */
  constructor(view, sound, on) {
    this.#view = view;
    this.#sound = sound;
    this.#on = on;
    this.#talk = new Talk(sound.voice, {
      frame: on.frame,
      microphone: (state) => this.#showMicrophone(state),
      level: (level) => view.level(level),
    });
  }

  /** Whether both phones hear each other now. */
  get talking() {
    return this.#other?.reached === true;
  }

  /** It rings at the other phone. `call` is the one that is put through. */
  connecting(call, { number }) {
    if (this.#goesOn(number, false)) return;
    this.#other = { number, who: number, reached: false, confirmed: true };
    this.#view.talk("connecting");
    this.#view.caller("", number);
    this.#view.state("Ringing…");
    this.#view.note(`Ringing ${number}`);
    this.#sound.ringBack();
  }

  /** Both phones hear each other. */
  bridged(call, { number, name }) {
    if (this.#goesOn(number, true)) return;
    this.#sound.stopRingBack();
    const who = name || number;
    this.#other = { number, who, reached: true, confirmed: true };
    this.#view.talk("talking");
    this.#view.caller(name, number);
    const between = number !== call.number && (call.name || call.number);
    this.#view.state(between ? `Put through by ${between}` : name ? number : "In a call");
    this.#view.note(`Connected with ${who}`);
    this.#on.began();
    this.#talk.start();
  }

  /** The other phone is gone, or was not reached. The call itself goes on. */
  parted(call, reached) {
    const other = this.#other;
    if (!other) return;
    this.stop();
    this.#view.caller(call.name, call.number);
    this.#view.state(call.name ? call.number : "In a call");
    this.#view.note(reached ? `No longer connected with ${other.who}` : `${other.who} was not reached`);
  }

  /** The other side pressed a key. */
  tone({ key }) {
    if (!this.talking) return;
    this.#sound.key(key);
    this.#view.caption(key, { who: this.#other.who });
  }

  /** The other side typed words. */
  said({ text }) {
    if (this.talking) this.#view.caption(text, { who: this.#other.who });
  }

  /** A frame of what is said at the other side. */
  hear(frame) {
    if (this.talking) this.#talk.hear(frame);
  }

  /** Sound was turned on, or the browser turned it off: without it neither side is heard. */
  soundChanged() {
    this.#showMicrophone(this.#microphone);
  }

  mute(muted) {
    this.#talk.mute(muted);
  }

  /** The connection was gone: unless `confirm` finds the talk named again, it is over. */
  doubt() {
    if (this.#other) this.#other.confirmed = false;
  }

  /** Give up a talk that was doubted and not named since. */
  confirm(call) {
    if (this.#other && !this.#other.confirmed) this.parted(call, this.#other.reached);
  }

  stop() {
    const was = this.talking;
    this.#other = null;
    this.#sound.stopRingBack();
    this.#talk.stop();
    this.#showMicrophone("");
    this.#view.talk("");
    if (was) this.#on.over();
  }

  #showMicrophone(state) {
    this.#microphone = state;
    this.#view.microphone(state === "on" && !this.#sound.on ? "silent" : state);
  }

  #goesOn(number, reached) {
    const same = this.#other?.number === number && this.#other.reached === reached;
    if (same) this.#other.confirmed = true;
    return same;
  }
}
