"""The example notebook, from its first cell to its last, with a cardholder who presses 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from moto.server import ThreadedMotoServer
from nbclient import NotebookClient
from phones import answering

from servers import API_KEY, server

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "examples" / "fraud_detector.ipynb"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the notebook tells its readers to export, for a moto server that is running."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield environment
    moto.stop()


def outputs(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(
        str(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def test_the_notebook_runs_from_start_to_end(
    tmp_path: Path, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    boto3.client("dynamodb").create_table(
        TableName="customers",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "customer_id", "KeyType": "HASH"},
            {"AttributeName": "card_number", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "customer_id", "AttributeType": "S"},
            {"AttributeName": "card_number", "AttributeType": "S"},
        ],
    )
    settings = {
        **aws,
        "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
        "RINGFENCE_CUSTOMERS_URL": "dynamodb://customers",
    }
    with (
        server(tmp_path / "data", settings) as there,
        answering(there, "+14155550100", "2") as heard,
    ):
        monkeypatch.setenv("RINGFENCE_URL", there.url)
        monkeypatch.setenv("RINGFENCE_API_KEY", API_KEY)
        monkeypatch.setenv("EXAMPLE_ROWS", "12000")
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        try:
            NotebookClient(
                notebook,
                timeout=240,
                kernel_name="python3",
                # A slow kernel sends one line in pieces.
                coalesce_streams=True,
                resources={"metadata": {"path": tmp_path}},
            ).execute()
        finally:
            print(outputs(notebook))
    shown = outputs(notebook)
    assert "verdict: fraud" in shown
    assert "1 event is left" in shown
    assert "(True, 'fraud')" in shown
    assert any("8788" in said.replace(" ", "") for said in heard), heard
    pictures = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2
