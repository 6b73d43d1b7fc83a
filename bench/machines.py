"""Who picked up, told by sound: how often, and how soon, beside the plain rules of AMD().

AMD() is Asterisk's. Persons and voicemails are spoken by eSpeak NG, Flite and Festival, or are
recordings of people and of Asterisk's own prompts; they go through rooms, streets, codecs and lost
packets and are heard in frames of 20 ms. Voices, sentences, music and seeds of the set that is
reported took no part in choosing any limit; `python -m bench.machines development` shows the other.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from bench.machine_calls import MACHINE, NEITHER, PERSON, Call, calls
from bench.machine_voices import missing
from bench.tables import print_table
from bench.telephone_sound import RATE, Sound

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.listening.machine import MachineDetector

CHUNK = 320  # bytes: 20 ms
SOON = 3.0  # seconds from the answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in the end, since how many seconds that was believed, and when it was told."""

    said: str
    since: float
    told: float


def ours(sound: Sound) -> Answer:
    """What our detector says; that a machine speaks it believes before it tells of it."""
    detector, believed, since = MachineDetector(RATE), "", 0.0
    pcm = sound.tobytes()
    now = 0.0
    for start in range(0, len(pcm), CHUNK):
        found = detector.hear(pcm[start : start + CHUNK])
        now = (start + CHUNK) / 2 / RATE
        belief = MACHINE if detector.machine else ""
        if found is not None:
            belief = _class(found.answered_by)
        if belief != believed:
            believed, since = belief, now
        if found is not None:
            return Answer(believed, since, now)
    return Answer(_class(detector.finish().answered_by), since if believed else now, now)


def _class(answered_by: AnsweredBy) -> str:
    if answered_by is AnsweredBy.HUMAN:
        return PERSON
    return NEITHER if answered_by is AnsweredBy.UNKNOWN else MACHINE


def plain(sound: Sound) -> Answer:
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
                return Answer(MACHINE, now / 1000, now / 1000)
            if spoke and silence >= 800:
                return Answer(PERSON, now / 1000, now / 1000)
        else:
            silence, voice, greeting = 0, voice + 20, greeting + 20
            if voice >= 100 and not in_word:
                words, in_word, spoke = words + 1, True, True
            if words > 2 or (spoke and greeting >= 1500):
                return Answer(MACHINE, now / 1000, now / 1000)
    return Answer(NEITHER, 5.0, 5.0)


def is_right(call: Call, answer: Answer) -> bool:
    """Not to be sure counts as a person; it is right for a person and where nobody speaks."""
    return (answer.said == MACHINE) == (call.truth == MACHINE)


def report(which: str) -> None:
    if missing():
        print("\nNot all voices speak; to be installed:", "; ".join(missing()))
    material = list(calls(which))
    began = time.process_time()
    answers = list(map(ours, [call.sound for call in material]))
    spent = time.process_time() - began
    others = [plain(call.sound) for call in material]

    def row(name: str, member: Callable[[Call], bool]) -> list[str]:
        chosen = [number for number, call in enumerate(material) if member(call)]
        said = [answers[number].said for number in chosen]
        soon = np.percentile([answers[number].since for number in chosen], [50, 95])
        return [
            name, str(len(chosen)), _share(material, answers, chosen),
            _share(material, answers, chosen, SOON), f"{soon[0]:.1f}", f"{soon[1]:.1f}",
            " / ".join(str(said.count(one)) for one in (PERSON, MACHINE, NEITHER)),
            _share(material, others, chosen), _share(material, others, chosen, SOON),
        ]  # fmt: skip

    header = ("n", "right", "within 3 s", "p50 s", "p95 s", "person / machine / unsure",
              "AMD() right", "within 3 s")  # fmt: skip
    kinds = dict.fromkeys(call.kind for call in material)
    rows = [row(kind, lambda call, kind=kind: call.kind == kind) for kind in kinds]
    print_table(f"Who picked up ({which} set, {len(material)} calls)", ("call", *header), rows)
    noises = dict.fromkeys(call.noise for call in material)
    rows = [row(noise, lambda call, noise=noise: call.noise == noise) for noise in noises]
    print_table("By what is heard behind it", ("noise", *header), rows)
    rows = [row(who, lambda call, who=who: call.truth == who) for who in (PERSON, MACHINE, NEITHER)]
    rows.append(row("all", lambda call: True))
    print_table("In short", ("who it is", *header), rows)
    frames = sum(answer.told for answer in answers) * RATE * 2 / CHUNK
    print(f"\nA frame of 20 ms takes {spent / frames * 1e6:.0f} µs, {spent / frames * 50:.2%} of a "
          "core for a call.")  # fmt: skip


def _share(
    material: Sequence[Call],
    answers: Sequence[Answer],
    chosen: Sequence[int],
    seconds: float = 60.0,
) -> str:
    right = [
        is_right(material[number], answers[number]) and answers[number].since <= seconds + 1e-6
        for number in chosen
    ]
    return f"{np.mean(right):.1%}"


def main() -> None:
    report(sys.argv[1] if sys.argv[1:] else "test")


if __name__ == "__main__":
    main()
