"""`ringfence models import`, `external`, `try`, `remove`, and publishing with what was imported."""

from __future__ import annotations

import json

from commands import Shell

from ringfence.examples import example_path


def test_pictures_from_file_to_score(shell: Shell) -> None:
    def example(name: str) -> str:
        return str(example_path(f"inspection{name}"))

    for arguments in (
        ("events", "define", example("-event-type.json")),
        ("models", "import", example(".onnx"), "--definition", example("-model.json")),
    ):
        said = shell.ringfence(*arguments)
        assert said.code == 0, said
    assert "$inspection_score" in said.out
    tried = shell.ringfence("models", "try", "inspection", "--variables", example("-sound.json"))
    assert tried.code == 0, tried
    assert "$inspection_score = " in tried.out
    assert "nothing" not in shell.ringfence("models", "external").out
    published = shell.ringfence(
        *("detectors", "publish", "inspection", "--event-type", "inspection"),
        *("--external", "inspection", "--rules", example("-rules.json")),
    )
    assert published.code == 0, published
    scored = shell.ringfence("score", example("-scratched.json"), "--event-type", "inspection")
    assert scored.code == 0, scored
    assert "review" in scored.out
    assert "uses external model" in shell.fails(1, "models", "remove", "inspection")


def test_options_say_what_a_definition_says(shell: Shell) -> None:
    shell.ringfence("events", "define", str(example_path("inspection-event-type.json")))
    said = shell.ringfence(
        *("models", "import", str(example_path("inspection.onnx")), "--name", "eye"),
        *("--event-type", "inspection", "--picture", "picture=32x32", "--output", "scratch"),
        *("--fallback", "999"),
    )
    assert said.code == 0, said
    event = shell.write("event.json", json.dumps({"picture": "none", "station": "x"}))
    tried = shell.ringfence("models", "try", "eye", "--variables", event)
    assert tried.code == 2
    assert "$scratch = 999" in tried.out
    assert "cannot be read" in tried.out


def test_an_endpoint_is_named_tried_and_taken_away(shell: Shell) -> None:
    said = shell.ringfence(
        *("models", "import", "--name", "remote", "--url", "http://127.0.0.1:9/score"),
        *("--map", "transaction_amt=amount", "--default", "transaction_amt=1.5"),
        *("--header", "Authorization: Bearer ${RINGFENCE_SECRET_TOKEN}", "--fallback", "500"),
    )
    assert said.code == 0, said
    assert "$remote_score" in said.out
    event = shell.write("event.json", json.dumps({"transaction_amt": 5}))
    tried = shell.ringfence("models", "try", "remote", "--variables", event)
    assert tried.code == 2
    assert "RINGFENCE_SECRET_TOKEN is not in the server's environment" in tried.out
    reached = shell.ringfence(
        "models", "try", "remote", "--variables", event, secret_token="tellnobody"
    )
    assert "it cannot be reached" in reached.out
    assert "tellnobody" not in shell.ringfence("models", "external").out
    assert shell.ringfence("models", "remove", "remote").code == 0
    assert "No external model yet" in shell.ringfence("models", "external").out


def test_what_does_not_fit_is_one_line_with_the_option(shell: Shell) -> None:
    assert "file" in shell.fails(2, "models", "import")
    onnx = str(example_path("inspection.onnx"))
    assert "--picture" in shell.fails(2, "models", "import", onnx, "--picture", "picture=big")
    url = ("models", "import", "--name", "x", "--url", "http://127.0.0.1:9/")
    assert "--default" in shell.fails(2, *url, "--default", "amount=1")
    assert "inputs.0.variable" in shell.fails(2, *url, "--map", "nothing")
    assert "endpoint.url" in shell.fails(
        2, "models", "import", "--name", "x", "--url", "nowhere", "--map", "transaction_amt"
    )
    definition = shell.write("d.json", '{"kind": "HTTP", "speed": 1}')
    assert "speed" in shell.fails(2, "models", "import", "--name", "x", "--definition", definition)
    nowhere = shell.fails(1, "models", "try", "x", "--variables", shell.write("e.json", "{}"))
    assert "no external model 'x'" in nowhere
