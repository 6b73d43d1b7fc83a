// What the phone lets one hear: its ring, the keys, and the voice of the call.

import { CHIME_SECONDS, RING_BACK_SECONDS, chime, keyTones, ringBack } from "./tones.js";

export class Sound {
  #context = new AudioContext();
  #voice = this.#context.createGain(); // what mute silences
  #ringing = null;
  #ringingBack = null;
  #speaking = null;

  constructor(onChange) {
    this.#voice.connect(this.#context.destination);
    this.#context.addEventListener("statechange", () => {
      onChange();
      if (this.on) this.#catchUp();
    });
  }

  /** Whether anything can be heard; browsers wait for a gesture first. */
  get on() {
    return this.#context.state === "running";
  }

  /** To be called from a gesture. */
  enable() {
    if (!this.on) this.#context.resume().catch(() => {});
  }

  /** Where the voice of the call goes: what plays here is silenced by mute. */
  get voice() {
    return this.#voice;
  }

  mute(muted) {
    this.#voice.gain.setTargetAtTime(muted ? 0 : 1, this.#context.currentTime, 0.01);
  }

  ring() {
    this.stopRinging();
    const once = () => {
      if (this.on) chime(this.#context.destination);
      vibrate([400, 200, 400]);
    };
    once();
    this.#ringing = setInterval(once, CHIME_SECONDS * 1000);
  }

  stopRinging() {
    if (this.#ringing === null) return;
    clearInterval(this.#ringing);
    this.#ringing = null;
    vibrate(0);
  }

  /** What one hears while it rings at the other end. */
  ringBack() {
    this.stopRingBack();
    const once = () => this.on && ringBack(this.#voice);
    once();
    this.#ringingBack = setInterval(once, RING_BACK_SECONDS * 1000);
  }

  stopRingBack() {
    clearInterval(this.#ringingBack);
    this.#ringingBack = null;
  }

  key(key) {
    keyTones(this.#voice, key);
  }

  /**
   * Play a WAV file from `offset` ms on. Without sound its time passes all the same, and it is
   * heard from where it would be once sound is on. `onEnd` is called when it is over, not when it
   * is stopped.
   */
  async speak(wav, offset, duration, onStart, onEnd) {
    this.stopSpeaking();
    const speech = { buffer: null, source: null, from: 0, end: null, stopped: false };
    this.#speaking = speech;
    try {
      speech.buffer = await this.#context.decodeAudioData(wav);
    } catch {
      speech.buffer = null; // the captions still tell what is said
    }
    if (speech.stopped) return;
    speech.from = performance.now() - offset;
    this.#catchUp();
    onStart();
    speech.end = setTimeout(() => {
      if (this.#speaking === speech) this.#speaking = null;
      onEnd();
    }, Math.max(0, duration - offset));
  }

  stopSpeaking() {
    const speech = this.#speaking;
    if (!speech) return;
    this.#speaking = null;
    speech.stopped = true;
    clearTimeout(speech.end);
    try {
      speech.source?.stop();
    } catch {
      // it had not begun
    }
  }

  #catchUp() {
    const speech = this.#speaking;
    if (!speech?.buffer || speech.source || !this.on) return;
    const at = Math.max(0, (performance.now() - speech.from) / 1000);
    if (at >= speech.buffer.duration) return;
    speech.source = this.#context.createBufferSource();
    speech.source.buffer = speech.buffer;
    speech.source.connect(this.#voice);
    speech.source.start(0, at);
  }
}

/** Browsers complain about a page that vibrates before anybody touched it. */
function vibrate(pattern) {
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(pattern);
}
