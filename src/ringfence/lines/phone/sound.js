// What the phone lets one hear: its ring, the keys, and the voice of the call.

const KEY_TONES = {
  1: [697, 1209], 2: [697, 1336], 3: [697, 1477],
  4: [770, 1209], 5: [770, 1336], 6: [770, 1477],
  7: [852, 1209], 8: [852, 1336], 9: [852, 1477],
  "*": [941, 1209], 0: [941, 1336], "#": [941, 1477],
};
const CHIME = [659.26, 830.61, 987.77, 1318.51, 987.77, 830.61]; // an E major chord, up and down
const CHIME_SECONDS = 2.4;

export class Sound {
  #context = new AudioContext();
  #voice = this.#context.createGain(); // what mute silences
  #ringing = null;
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

  mute(muted) {
    this.#voice.gain.setTargetAtTime(muted ? 0 : 1, this.#context.currentTime, 0.01);
  }

  ring() {
    this.stopRinging();
    const once = () => {
      if (this.on) this.#chime();
      navigator.vibrate?.([400, 200, 400]);
    };
    once();
    this.#ringing = setInterval(once, CHIME_SECONDS * 1000);
  }

  stopRinging() {
    clearInterval(this.#ringing);
    this.#ringing = null;
    navigator.vibrate?.(0);
  }

  key(key) {
    const now = this.#context.currentTime;
    for (const frequency of KEY_TONES[key]) this.#tone("sine", frequency, now, 0.05, 0.14, this.#voice);
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

  #chime() {
    const start = this.#context.currentTime + 0.02;
    CHIME.forEach((frequency, index) => {
      const at = start + index * 0.16;
      this.#tone("sine", frequency, at, 0.22, 0.9, this.#context.destination);
      this.#tone("sine", frequency * 2, at, 0.06, 0.45, this.#context.destination);
    });
  }

  #tone(type, frequency, at, level, seconds, output) {
    const oscillator = this.#context.createOscillator();
    const gain = this.#context.createGain();
    oscillator.type = type;
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(level, at + 0.008);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    oscillator.connect(gain).connect(output);
    oscillator.start(at);
    oscillator.stop(at + seconds + 0.02);
  }
}
