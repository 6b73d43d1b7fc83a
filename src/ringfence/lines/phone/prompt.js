// The prompt that plays now, its captions, and what the exchange is told of it.

export class Prompt {
  #sound;
  #on;
  #said = null;
  #timers = [];

  /** `on` has `caption(text)` and `send(message)`. */
  constructor(sound, on) {
    this.#sound = sound;
    this.#on = on;
  }

  /** Play what the exchange `said` (a message of type `prompt`) with its sound. */
  play(said, wav) {
    this.stop();
    this.#said = said;
    this.#sound.speak(
      wav,
      said.offset_ms,
      said.duration_ms,
      () => {
        this.#on.send({ type: "started", prompt_id: said.prompt_id });
        for (const { at_ms, text } of said.captions) {
          if (at_ms < said.offset_ms) continue;
          this.#timers.push(setTimeout(() => this.#on.caption(text), at_ms - said.offset_ms));
        }
      },
      () => {
        if (this.#said === said) this.#said = null;
        this.#on.send({ type: "finished", prompt_id: said.prompt_id });
      },
    );
  }

  /** A key was pressed, or words were said. */
  interrupt() {
    if (this.#said?.interruptible) this.stop();
  }

  /** The exchange wants this one to stop. */
  stopIf(promptId) {
    if (promptId === this.#said?.prompt_id) this.stop();
  }

  stop() {
    this.#sound.stopSpeaking();
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
    this.#said = null;
  }
}
