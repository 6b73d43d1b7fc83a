"""Piper, with a voice that this test builds: a tone for each sound, in the form of a real voice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from speaking import samples, ssml

from ringfence.errors import InvalidInput
from ringfence.flows.participant import Prompt
from ringfence.lines.speech import Synthesizer
from ringfence.lines.speech import waveform as wf
from ringfence.lines.speech.choosing import engine_choice
from ringfence.lines.speech.engines import EngineChoice, EngineFailed, Speaker
from ringfence.lines.speech.espeak import EspeakEngine
from ringfence.lines.speech.script import Utterance

pytest.importorskip("piper")
onnx = pytest.importorskip("onnx")

from ringfence.lines.speech.piper import REST_SECONDS, PiperEngine  # noqa: E402

RATE = 22_050
SAMPLES_PER_SOUND = 512
KENDRA = Speaker("Kendra", "en-US")


def build_voice(folder: Path) -> Path:
    """A model from `input`, `input_lengths` and `scales` to a wave: 512 samples of a tone for each
    id, whose length follows the second scale, as in a voice of Piper's."""
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, value: object, dtype: type) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(value, dtype=dtype), name)

    period = np.sin(2 * np.pi * np.arange(SAMPLES_PER_SOUND) * 8 / SAMPLES_PER_SOUND) * 0.3
    nodes = [
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scales", "one"], ["tempo"], axis=0),
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["count"], axis=0),
        helper.make_node("Cast", ["count"], ["count_f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["count_f", "tempo"], ["stretched"]),
        helper.make_node("Cast", ["stretched"], ["repeats"], to=TensorProto.INT64),
        helper.make_node("Unsqueeze", ["repeats", "zero_axis"], ["repeats_1"]),
        helper.make_node("Tile", ["period", "repeats_1"], ["flat"]),
        helper.make_node("Unsqueeze", ["flat", "two_axes"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])],
        [
            constant("one", 1, np.int64),
            constant("zero_axis", [0], np.int64),
            constant("two_axes", [0, 1], np.int64),
            constant("period", period, np.float32),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    path = folder / "en_US-tone-low.onnx"
    onnx.save(model, str(path))
    sounds = "_^$ abcdefghijklmnopqrstuvwxyzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːθɒᵻ"
    description = {
        "audio": {"sample_rate": RATE, "quality": "low"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {sound: [number] for number, sound in enumerate(sounds)},
        "num_symbols": len(sounds),
        "num_speakers": 1,
        "speaker_id_map": {},
    }
    Path(f"{path}.json").write_text(json.dumps(description), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_voice(tmp_path_factory.mktemp("voices"))


def assert_by_espeak(synthesizer: Synthesizer, prompt: Prompt) -> None:
    spoken, alone = (each.render(prompt) for each in (synthesizer, Synthesizer()))
    assert spoken.captions == alone.captions
    assert spoken.audio.duration_seconds == pytest.approx(alone.audio.duration_seconds, abs=0.1)


def test_a_voice_file_speaks_for_the_language_it_is_chosen_for(voice: Path) -> None:
    choice = engine_choice(voices={"en-US": str(voice)})
    synthesizer = Synthesizer(choice)
    try:
        speech = synthesizer.render(Prompt("Your card is blocked. Goodbye.", False, "Kendra"), 8000)
        assert [caption.text for caption in speech.captions] == [
            "Your card is blocked.",
            "Goodbye.",
        ]
        sound = samples(speech.audio)
        spectrum = np.abs(np.fft.rfft(sound))
        loudest = np.fft.rfftfreq(sound.size, 1 / 8000)[np.argmax(spectrum)]
        assert loudest == pytest.approx(8 * RATE / SAMPLES_PER_SOUND, abs=5)
        level = 20 * np.log10(wf.active_level(sound, 8000))
        assert level == pytest.approx(wf.SPEECH_LEVEL_DBFS, abs=0.7)
        assert_by_espeak(synthesizer, Prompt("Auf Wiedersehen.", False, "Vicki"))
    finally:
        synthesizer.close()


def test_a_slower_passage_is_longer_and_a_softer_one_softer(voice: Path) -> None:
    engine = PiperEngine(str(voice))
    try:
        plain = engine.say(Utterance("Same words"), KENDRA)
        slow = engine.say(Utterance('<prosody rate="50%">Same words</prosody>'), KENDRA)
        soft = engine.say(Utterance('<prosody volume="50%">Same words</prosody>'), KENDRA)
        assert slow.wave.size == pytest.approx(2 * plain.wave.size, rel=0.02)
        assert np.max(soft.wave) == pytest.approx(0.5 * np.max(plain.wave), rel=0.02)
        assert engine.say(Utterance("..."), KENDRA).wave.size == 0
    finally:
        engine.close()


def test_a_voice_can_be_loaded_before_it_speaks(voice: Path) -> None:
    engine = PiperEngine(str(voice))
    try:
        engine.warm_up()
        child = engine._child
        assert child is not None
        engine.say(Utterance("Hello"), KENDRA)
        assert engine._child is child
    finally:
        engine.close()


def test_a_process_that_dies_is_replaced_after_a_rest(voice: Path) -> None:
    time = [0.0]
    engine = PiperEngine(str(voice), clock=lambda: time[0])
    try:
        engine.say(Utterance("Hello"), KENDRA)
        child = engine._child
        assert isinstance(child, subprocess.Popen)
        child.kill()
        child.wait()
        with pytest.raises(EngineFailed):
            engine.say(Utterance("Hello"), KENDRA)
        with pytest.raises(EngineFailed, match="a moment ago"):
            engine.say(Utterance("Hello"), KENDRA)
        time[0] = REST_SECONDS
        assert engine.say(Utterance("Hello"), KENDRA).rate == RATE
    finally:
        engine.close()
    assert engine._child is None


def test_a_file_that_is_no_voice_leaves_the_call_with_the_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    Path(f"{path}.json").write_text("{}", encoding="utf-8")
    engine = PiperEngine(str(path))
    with pytest.raises(EngineFailed):
        engine.warm_up()
    synthesizer = Synthesizer(EngineChoice(EspeakEngine(), engine))
    prompt = ssml("Hello <break time='100ms'/> there")
    assert_by_espeak(synthesizer, prompt)
    synthesizer.close()


def test_a_missing_voice_is_told_at_the_start(tmp_path: Path, voice: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no file") as missing:
        engine_choice(voices={"de": str(tmp_path / "nobody.onnx")})
    assert missing.value.field == "speech_voices.de"
