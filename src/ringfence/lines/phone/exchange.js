// The WebSocket to the exchange: says hello, keeps the connection, pairs prompts with their sound.

const VERSION = 1;
const MOST_UNSENT_BYTES = 32_000; // a second of a talk; what is said beyond it is too late
const RETRY_MS = [200, 400, 800, 1500, 3000];
const FINAL = { 4400: "refused", 4409: "replaced", 4422: "number", 4426: "version", 4429: "full" };

export class Exchange {
  #url;
  #phoneId;
  #on;
  #socket = null;
  #prompt = null;
  #attempt = 0;
  #retry = null;

  /** `on` has `message(message, sound)`, `frame(frame)`, `up()`, `down(attempt)`, `refused(why)`. */
  constructor(number, on) {
    const url = new URL("/v1/phones/ws", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("number", number);
    const token = new URLSearchParams(location.search).get("token");
    if (token) url.searchParams.set("token", token);
    this.#url = url.href;
    this.#phoneId = phoneId(number);
    this.#on = on;
  }

  connect() {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#prompt = null;
    socket.addEventListener("open", () => this.send({ type: "hello", version: VERSION, phone_id: this.#phoneId }));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(event.data));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Send a frame of what is said here, or lose it when the connection does not keep up. */
  sendFrame(frame) {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < MOST_UNSENT_BYTES) socket.send(frame);
  }

  #receive(data) {
    if (typeof data !== "string") {
      const prompt = this.#prompt;
      this.#prompt = null;
      if (prompt) this.#on.message(prompt, data);
      else this.#on.frame(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "prompt") {
      this.#prompt = message; // its sound comes next
      return;
    }
    if (message.type === "welcome") {
      this.#attempt = 0;
      this.#on.up();
    }
    this.#on.message(message, null);
  }

  #closed(code) {
    this.#socket = null;
    if (code in FINAL) {
      this.#on.refused(FINAL[code]);
      return;
    }
    this.#attempt += 1;
    this.#on.down(this.#attempt);
    const wait = RETRY_MS[Math.min(this.#attempt, RETRY_MS.length) - 1];
    this.#retry = setTimeout(() => this.connect(), wait);
  }
}

/** Who this phone is: the same over a reload of this tab, another one in another tab. */
function phoneId(number) {
  const key = `phone-id ${number}`;
  let id = null;
  try {
    id = sessionStorage.getItem(key);
  } catch {
    // storage is forbidden: a reload is then another phone
  }
  if (!id) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      sessionStorage.setItem(key, id);
    } catch {
      // as above
    }
  }
  return id;
}
