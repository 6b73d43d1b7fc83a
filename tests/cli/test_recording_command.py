"""`ringfence recording ...`: with a running server, which has the recordings."""

from __future__ import annotations

import io
import wave

from api_servers import KEY, prepare, running
from commands import Shell

from ringfence.cards import open_vault
from ringfence.contacts.call_recordings import CallRecordings
from ringfence.storage import Database


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\x11\x22" * 16000)
    return file.getvalue()


def test_a_recording_is_listed_saved_and_deleted_by_those_who_may(shell: Shell) -> None:
    data_dir = shell.folder / "data"
    prepare(data_dir)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    vault = open_vault(data_dir, None, database)
    with running(data_dir) as server:
        settings = {"url": server.url, "api_key": KEY}
        assert "No recording" in shell.ringfence("recording", "list", **settings).out
        recordings = CallRecordings(database, vault, data_dir / "recordings", keep_days=90)
        recordings.keep("contact-1", "instance-1", sound())
        assert "contact-1" in shell.ringfence("recording", "list", **settings).out
        file = shell.folder / "call.wav"
        saved = shell.ringfence("recording", "save", "contact-1", str(file), **settings)
        assert saved.code == 0, saved
        assert file.read_bytes() == sound()
        with server.client() as client:
            reply = client.get("/v1/recordings/contact-1")
            assert reply.headers["content-type"] == "audio/wav"
        with server.client(server.key_with("cases:read")) as client:
            assert client.get("/v1/recordings").status_code == 200
            assert client.get("/v1/recordings/contact-1").status_code == 403
        assert shell.ringfence("recording", "delete", "contact-1", **settings).code == 0
        assert "deleted" in shell.fails(1, "recording", "save", "contact-1", str(file), **settings)
        assert "deleted by" in shell.ringfence("recording", "list", **settings).out
    database.engine.dispose()
