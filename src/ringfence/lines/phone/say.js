// Saying words to a call: typed, or spoken where the browser itself understands speech.

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const FAILURES = {
  "not-allowed": "The browser may not use the microphone.",
  "audio-capture": "There is no microphone.",
  "language-not-supported": "The browser does not understand this language.",
};
const HARMLESS = ["no-speech", "aborted"];

export class Say {
  #view;
  #on;
  #language = "";
  #recognition = null;

  /** `on` has `words(text)`, called for each thing that was said. */
  constructor(view, on) {
    this.#view = view;
    this.#on = on;
    view.on("say", "submit", (event) => {
      event.preventDefault();
      const text = view.takeWords();
      if (text) on.words(text);
    });
    view.on("words", "keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      view.focus("keypad");
    });
    view.on("listen", "click", () => (this.#recognition ? this.stop() : this.#listen()));
  }

  /** A call has begun in `language`. */
  begin(language) {
    this.stop();
    this.#language = language;
    this.offer(true);
  }

  /** Whether the browser may be asked to understand speech now. */
  offer(possible) {
    if (!possible) this.stop();
    this.#view.recognition(Boolean(Recognition) && possible);
  }

  stop() {
    const recognition = this.#recognition;
    this.#recognition = null;
    recognition?.abort();
    this.#view.listening(false);
  }

  #listen() {
    const recognition = new Recognition();
    recognition.lang = this.#language;
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.onresult = ({ results, resultIndex }) => {
      if (this.#recognition !== recognition) return;
      for (const result of Array.from(results).slice(resultIndex)) {
        const text = result[0].transcript.trim();
        this.#view.hearing(result.isFinal ? "" : text);
        if (result.isFinal && text) this.#on.words(text);
      }
    };
    recognition.onerror = ({ error }) => {
      if (this.#recognition !== recognition || HARMLESS.includes(error)) return;
      this.stop();
      this.#view.sayError(FAILURES[error] ?? "The browser cannot understand speech now.");
    };
    // Browsers stop after a while of silence; we go on until we are told to stop.
    recognition.onend = () => this.#recognition === recognition && recognition.start();
    this.#recognition = recognition;
    this.#view.sayError("");
    this.#view.listening(true);
    recognition.start();
  }
}
