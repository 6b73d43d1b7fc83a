// A talk with another phone: what is said here goes there, and what is said there is heard here.

const WORKLET = new URL("./talk-worklet.js", import.meta.url);
const FRAME_RATE = 16_000;
const PASS_HZ = 7000; // both ways, so that nothing above half the rate folds back
const WANTED = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export class Talk {
  #voice;
  #on;
  #loaded = null;
  #now = null; // the talk in progress: { ear, stream, nodes }
  #muted = false;

  /**
   * `voice` is the audio node that the other side is heard through. `on` has `frame(frame)` for
   * what is said here, `microphone(state)` (`asking`, `on`, `off`, `denied`, `missing` or
   * `insecure`) and `level(level)` for how loud the other side is, 0-1.
   */
  constructor(voice, on) {
    this.#voice = voice;
    this.#on = on;
  }

  async start() {
    this.stop();
    const now = { ear: null, stream: null, nodes: [] };
    this.#now = now;
    this.#muted = false;
    const context = this.#voice.context;
    if (!context.audioWorklet || !navigator.mediaDevices) {
      this.#on.microphone("insecure"); // browsers offer neither on a page that is not secure
      return;
    }
    this.#on.microphone("asking");
    try {
      this.#loaded ??= context.audioWorklet.addModule(WORKLET);
      await this.#loaded;
      if (this.#now !== now) return;
      this.#listen(now, context);
      const stream = await navigator.mediaDevices.getUserMedia({ audio: WANTED });
      if (this.#now !== now) {
        release(stream);
        return;
      }
      this.#speak(now, context, stream);
      if (context.state !== "running") context.resume().catch(() => {}); // who records may be heard
      this.#on.microphone(this.#muted ? "off" : "on");
    } catch (error) {
      if (this.#now === now) this.#on.microphone(error.name === "NotAllowedError" ? "denied" : "missing");
    }
  }

  /** A frame of what is said at the other side. */
  hear(frame) {
    this.#now?.ear?.port.postMessage(frame, [frame]);
  }

  mute(muted) {
    this.#muted = muted;
    if (this.#now?.stream) this.#on.microphone(muted ? "off" : "on");
  }

  stop() {
    const now = this.#now;
    this.#now = null;
    if (!now) return;
    if (now.stream) release(now.stream);
    for (const node of now.nodes) node.disconnect();
    this.#on.level(0);
  }

  #listen(now, context) {
    now.ear = new AudioWorkletNode(context, "ear", { numberOfInputs: 0, outputChannelCount: [1] });
    now.ear.port.onmessage = ({ data }) => this.#now === now && this.#on.level(data);
    this.#chain(now, now.ear, ...this.#lowPass(context), this.#voice);
  }

  #speak(now, context, stream) {
    now.stream = stream;
    const source = context.createMediaStreamSource(stream);
    const options = { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };
    const microphone = new AudioWorkletNode(context, "microphone", options);
    microphone.port.onmessage = ({ data }) => {
      if (this.#now === now && !this.#muted) this.#on.frame(data);
    };
    this.#chain(now, source, ...this.#lowPass(context), microphone);
  }

  #lowPass(context) {
    if (context.sampleRate <= FRAME_RATE) return [];
    // A Butterworth filter of the fourth order.
    return [0.5412, 1.3066].map(
      (quality) => new BiquadFilterNode(context, { type: "lowpass", frequency: PASS_HZ, Q: 20 * Math.log10(quality) }),
    );
  }

  #chain(now, ...nodes) {
    nodes.reduce((from, to) => from.connect(to));
    now.nodes.push(...nodes.filter((node) => node !== this.#voice));
  }
}

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}
