// The tones of a telephone: its ring, its keys, and the ringing at the other end.

const KEY_TONES = {
  1: [697, 1209], 2: [697, 1336], 3: [697, 1477],
  4: [770, 1209], 5: [770, 1336], 6: [770, 1477],
  7: [852, 1209], 8: [852, 1336], 9: [852, 1477],
  "*": [941, 1209], 0: [941, 1336], "#": [941, 1477],
};
const CHIME = [659.26, 830.61, 987.77, 1318.51, 987.77, 830.61]; // an E major chord, up and down
const RING_BACK = 425; // Hz, a second of it every five (ETSI TS 101 041)

export const CHIME_SECONDS = 2.4;
export const RING_BACK_SECONDS = 5;

/** The ring of this phone, once. */
export function chime(output) {
  const start = output.context.currentTime + 0.02;
  CHIME.forEach((frequency, index) => {
    const at = start + index * 0.16;
    bell(output, frequency, at, 0.22, 0.9);
    bell(output, frequency * 2, at, 0.06, 0.45);
  });
}

/** The two tones of a key (ITU-T Q.23). */
export function keyTones(output, key) {
  const now = output.context.currentTime;
  for (const frequency of KEY_TONES[key]) bell(output, frequency, now, 0.05, 0.14);
}

/** One ring at the other end, as the caller hears it. */
export function ringBack(output) {
  const at = output.context.currentTime + 0.02;
  const { oscillator, gain } = tone(output, RING_BACK, at, 0.05);
  gain.gain.setValueAtTime(0.05, at + 0.98);
  gain.gain.linearRampToValueAtTime(0, at + 1);
  oscillator.stop(at + 1.02);
}

/** A tone that fades away from its beginning on. */
function bell(output, frequency, at, level, seconds) {
  const { oscillator, gain } = tone(output, frequency, at, level);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
  oscillator.stop(at + seconds + 0.02);
}

function tone(output, frequency, at, level) {
  const oscillator = output.context.createOscillator();
  const gain = output.context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(level, at + 0.008);
  oscillator.connect(gain).connect(output);
  oscillator.start(at);
  return { oscillator, gain };
}
