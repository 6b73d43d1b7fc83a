"""Who picked up, told by sound: how often, and how soon, beside the plain rules of AMD().

AMD() is Asterisk's. Persons and voicemails are spoken by eSpeak NG, put onto a telephone line
(band, level, noise, G.711, lost packets) and heard in frames of 20 ms. The voices and sentences of
the set that is reported took no part in choosing any limit; `python -m bench.machines development`
shows the other.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.listening.machine import MachineDetector

RATE = 8000
CHUNK = 320  # bytes: 20 ms
PERSON, MACHINE, NEITHER = "person", "machine", "neither"
SHORT = "short greeting with a beep"

Sound = np.ndarray

SENTENCES = {
    "development": {
        PERSON: [
            ("en-us", "Hello?"),
            ("en-gb", "Yes?"),
            ("en-us+f3", "Miller."),
            ("en-gb+f2", "Hello, who is there?"),
            ("de", "Müller, guten Tag."),
            ("fr", "Allô?"),
            ("es", "¿Dígame?"),
            ("it", "Pronto?"),
        ],
        MACHINE: [
            ("en-us", "You have reached the voicemail of John Miller. Please leave a message."),
            ("de", "Hier ist die Mailbox von Anna Schmidt. Bitte hinterlassen Sie eine Nachricht."),
            ("fr", "Bonjour, vous êtes bien sur le répondeur de Paul. Laissez un message."),
            ("es", "Ha llamado al buzón de voz de María. Deje su mensaje después de la señal."),
            ("en-gb+f2", "The person you are calling is not available. Please speak now."),
        ],
        SHORT: [("en-us", "Hi, leave a message."), ("de", "Bitte nach dem Ton sprechen.")],
    },
    "test": {
        PERSON: [
            ("en-us+m3", "Hello, this is Sarah."),
            ("en-gb-scotland", "Aye, hello?"),
            ("en-us+f4", "Good morning."),
            ("en-gb-x-rp", "Speaking."),
            ("de+f2", "Ja, hallo?"),
            ("fr+f2", "Oui, bonjour?"),
            ("es-419", "Bueno?"),
            ("it+f3", "Sì, chi parla?"),
            ("nl", "Met Jansen."),
            ("pl", "Halo, słucham?"),
        ],
        MACHINE: [
            ("en-us+m3", "Your call has been forwarded to an automated voice messaging system."),
            ("en-gb-x-rp", "5 5 5, 0 1 4 2, is not available. Record your message at the tone."),
            ("de+f2", "Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar."),
            ("fr+f2", "Votre correspondant n'est pas disponible, veuillez laisser un message."),
            ("es-419", "El número que usted marcó no está disponible en este momento."),
            ("it+f3", "Risponde la segreteria telefonica, lasciate un messaggio dopo il segnale."),
            ("nl", "Dit is de voicemail van de familie Jansen, spreek uw bericht in na de toon."),
        ],
        SHORT: [("en-gb-x-rp", "Not here. Go ahead."), ("fr+f2", "Parlez après le bip.")],
    },
}


@dataclass(frozen=True, slots=True)
class Case:
    kind: str
    truth: str
    sound: Sound


def spoken(voice: str, words: str, words_per_minute: int) -> Sound:
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(words_per_minute), words]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate, pcm = file.getframerate(), file.readframes(10_000_000)
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(float)
    band = in_band(samples, rate)
    at = np.arange(int(len(band) * RATE / rate)) * rate / RATE
    sound = np.interp(at, np.arange(len(band)), band)
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    return sound[loud[0] : loud[-1]] / np.sqrt(np.mean(sound[loud[0] : loud[-1]] ** 2))


def in_band(sound: Sound, rate: int) -> Sound:
    """What a telephone passes of a sound."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / rate)
    spectrum[(hz < 250) | (hz > 3500)] = 0
    return np.fft.irfft(spectrum, len(sound))


def tone(hz: float, seconds: float) -> Sound:
    return np.sqrt(2) * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


def quiet(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE))


def on_the_line(sound: Sound, level_db: float, noise: Sound, snr_db: float, loss: float) -> Sound:
    """What arrives of a sound whose speech has the RMS of 1: level, noise, A-law, lost packets."""
    mixed = sound + noise[: len(sound)] * 10 ** (-snr_db / 20)
    linear = np.clip(mixed * 10 ** (level_db / 20), -1, 1)
    size = np.abs(linear) * 87.6
    curve = 1 + np.log(87.6)
    small = size < 1
    coded = np.sign(linear) * np.where(small, size, 1 + np.log(np.maximum(size, 1))) / curve
    coded = np.round(coded * 127) / 127
    size = np.abs(coded) * curve
    back = np.sign(coded) * np.where(size < 1, size, np.exp(size - 1)) / 87.6
    frames = (back * 32767).astype("<i2")
    random = np.random.default_rng(len(sound))
    for start in range(0, len(frames), 160):
        if random.random() < loss:
            frames[start : start + 160] = 0
    return frames


def noises(seconds: float, babble: list[Sound]) -> dict[str, Sound]:
    random = np.random.default_rng(7)
    count = int(seconds * RATE)
    white = random.normal(size=count)
    spectrum = np.fft.rfft(white)
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), count)
    talk = sum(np.resize(np.roll(one, 777 * n), count) for n, one in enumerate(babble))
    made = {"white": white, "pink": pink, "babble": np.asarray(talk)}
    passed = {name: in_band(one, RATE) for name, one in made.items()}
    return {name: one / np.sqrt(np.mean(one**2)) for name, one in passed.items()}


def cases(which: str) -> Iterator[Case]:
    random = np.random.default_rng(len(which))
    sentences = SENTENCES[which]
    said = {
        (kind, voice, words, pace): spoken(voice, words, pace)
        for kind, each in sentences.items()
        for voice, words in each
        for pace in (140, 175, 210)
    }
    babble = [sound for (kind, *_), sound in said.items() if kind == MACHINE][:6]
    behind = noises(14.0, babble)
    for (kind, *_), sound in said.items():
        for noise, snr in (
            ("white", 30), ("white", 15), ("pink", 20), ("pink", 10), ("babble", 20), ("babble", 12)
        ):  # fmt: skip
            before, level = random.uniform(0.1, 1.2), random.uniform(-35, -10)
            after = quiet(6.0)
            if kind == SHORT:
                beep = tone(random.choice([440, 620, 850, 1000, 1400, 2000]), 0.4)
                after = np.concatenate([quiet(random.uniform(0.1, 0.5)), beep, after])
            whole = np.concatenate([quiet(before), sound, after])[: 14 * RATE]
            truth = PERSON if kind == PERSON else MACHINE
            heard = on_the_line(whole, level, behind[noise], snr, random.choice([0, 0, 0.02]))
            yield Case(f"{kind}, {noise} noise", truth, heard)
    pause = quiet(0.01)
    for level in (-30, -20, -12):
        for snr in (30, 20):
            others = {
                "number not in service": [tone(950, 0.33), tone(1400, 0.33), tone(1800, 0.33)],
                "ringing goes on": [tone(425, 1.0)],
                "nobody speaks": [pause],
            }
            machines = {
                "fax machine": [tone(2100, 3.0)],
                "fax calling": [tone(1100, 0.5), quiet(3.0), tone(1100, 0.5)],
            }
            for truth, kinds in ((NEITHER, others), (MACHINE, machines)):
                for kind, parts in kinds.items():
                    whole = np.concatenate([quiet(0.4), *parts, quiet(6.0)])
                    heard = on_the_line(whole, level, behind["white"], snr, 0)
                    yield Case(kind, truth, heard)


def ours(sound: Sound) -> tuple[str, float]:
    """What our detector says, and the seconds until it knew that a machine speaks, or who."""
    detector, known = MachineDetector(RATE), 0.0
    pcm = sound.tobytes()
    for start in range(0, len(pcm), CHUNK):
        found = detector.hear(pcm[start : start + CHUNK])
        heard = (start + CHUNK) / 2 / RATE
        if not known and detector.machine:
            known = heard
        if found is not None:
            return _class(found.answered_by), known or heard
    return _class(detector.finish().answered_by), known or len(sound) / RATE


def _class(answered_by: AnsweredBy) -> str:
    if answered_by is AnsweredBy.HUMAN:
        return PERSON
    return NEITHER if answered_by is AnsweredBy.UNKNOWN else MACHINE


def plain(sound: Sound) -> tuple[str, float]:
    """Our rendering of the rules that AMD() documents, with the values of its sample file."""
    silence = voice = words = greeting = 0  # in ms, but for the words
    spoke = in_word = False
    for start in range(0, len(sound) - 159, 160):
        now = (start + 160) * 1000 // RATE
        if now > 5000:
            break
        if np.abs(sound[start : start + 160].astype(int)).mean() < 256:
            silence += 20
            if silence >= 50:
                in_word, voice = False, 0
            if not spoke and silence >= 2500:
                return MACHINE, now / 1000
            if spoke and silence >= 800:
                return PERSON, now / 1000
        else:
            silence, voice, greeting = 0, voice + 20, greeting + 20
            if voice >= 100 and not in_word:
                words, in_word, spoke = words + 1, True, True
            if words > 2 or (spoke and greeting >= 1500):
                return MACHINE, now / 1000
    return NEITHER, 5.0


def is_right(case: Case, said: str) -> bool:
    """Not to be sure counts as a person; it is right for a person and where nobody speaks."""
    return (said == MACHINE) == (case.truth == MACHINE)


def report(which: str) -> None:
    material = list(cases(which))
    names = dict.fromkeys(case.kind for case in material)
    began = time.process_time()
    answers = [ours(case.sound) for case in material]
    spent = time.process_time() - began
    heard = sum(min(seconds, len(case.sound) / RATE) for case, (_, seconds) in
                zip(material, answers, strict=True))  # fmt: skip
    others = [plain(case.sound) for case in material]
    print(f"\n### Who picked up ({which} set, {len(material)} calls)\n")
    print("| call | n | right | person / machine / unsure | p50 s | p95 s | AMD() right |")
    print("|---|---|---|---|---|---|---|")
    for name in [*names, "all"]:
        rows = [n for n, case in enumerate(material) if name in (case.kind, "all")]
        said = [answers[n][0] for n in rows]
        right = np.mean([is_right(material[n], answers[n][0]) for n in rows])
        soon = np.percentile([answers[n][1] for n in rows], [50, 95])
        plainly = np.mean([is_right(material[n], others[n][0]) for n in rows])
        counts = " / ".join(str(said.count(one)) for one in (PERSON, MACHINE, NEITHER))
        print(f"| {name} | {len(rows)} | {right:.1%} | {counts} | {soon[0]:.1f} | {soon[1]:.1f} "
              f"| {plainly:.1%} |")  # fmt: skip
    within = np.mean([is_right(case, said) and seconds <= 3.0 for case, (said, seconds) in
                      zip(material, answers, strict=True)])  # fmt: skip
    print(f"\nRight within 3 s: {within:.1%}. Of a core for each call: {spent / heard:.2%}.")


def main() -> None:
    report(sys.argv[1] if sys.argv[1:] else "test")


if __name__ == "__main__":
    main()
