// The two ends of a talk on the audio thread: frames of 16 kHz from the microphone, and to the ear.

const FRAME_RATE = 16_000;
const FRAME = 640; // samples, 40 ms
const FIRST_WAIT = FRAME_RATE * 0.08; // what is kept ready, against a network that hesitates
const MOST_WAITING = FRAME_RATE * 0.4; // beyond it the talk would lag behind: the oldest is dropped
const REPORT_SECONDS = 0.1;

/** Posts frames (the buffer of an `Int16Array`) of what the first input hears. */
class Microphone extends AudioWorkletProcessor {
  #step = sampleRate / FRAME_RATE;
  #at = 0; // of the next sample, counted from the last one of the block before
  #last = 0;
  #frame = new Int16Array(FRAME);
  #filled = 0;

  process([channels]) {
    const block = channels[0];
    if (!block) return true;
    for (; this.#at < block.length; this.#at += this.#step) {
      const index = Math.floor(this.#at);
      const before = index === 0 ? this.#last : block[index - 1];
      this.#add(before + (block[index] - before) * (this.#at - index));
    }
    this.#at -= block.length;
    this.#last = block[block.length - 1];
    return true;
  }

  #add(sample) {
    this.#frame[this.#filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.#filled < FRAME) return;
    this.port.postMessage(this.#frame.buffer, [this.#frame.buffer]);
    this.#frame = new Int16Array(FRAME);
    this.#filled = 0;
  }
}

/** Plays frames that are posted to it, and posts how loud they are (root mean square, 0-1). */
class Ear extends AudioWorkletProcessor {
  #step = FRAME_RATE / sampleRate;
  #waiting = []; // frames, the first of them partly played
  #samples = 0;
  #at = 0; // in the first frame
  #playing = false;
  #last = 0;
  #squares = 0;
  #counted = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.#take(new Int16Array(data));
  }

  process(_inputs, [[output]]) {
    for (let index = 0; index < output.length; index++) {
      const sample = this.#playing ? this.#next() : 0;
      output[index] = sample;
      this.#squares += sample * sample;
    }
    this.#counted += output.length;
    if (this.#counted >= sampleRate * REPORT_SECONDS) {
      this.port.postMessage(Math.sqrt(this.#squares / this.#counted));
      this.#squares = this.#counted = 0;
    }
    return true;
  }

  #take(frame) {
    this.#waiting.push(frame);
    this.#samples += frame.length;
    while (this.#samples > MOST_WAITING) this.#drop();
    if (this.#samples >= FIRST_WAIT) this.#playing = true;
  }

  #drop() {
    this.#samples -= this.#waiting.shift().length;
    this.#at = 0;
  }

  #next() {
    let frame = this.#waiting[0];
    while (frame && this.#at >= frame.length) {
      this.#at -= frame.length;
      this.#last = frame[frame.length - 1];
      this.#samples -= frame.length;
      this.#waiting.shift();
      frame = this.#waiting[0];
    }
    if (!frame) {
      this.#playing = false;
      this.#at = this.#last = 0;
      return 0;
    }
    const index = Math.floor(this.#at);
    const before = index === 0 ? this.#last : frame[index - 1];
    const sample = before + (frame[index] - before) * (this.#at - index);
    this.#at += this.#step;
    return sample / 32768;
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("ear", Ear);
