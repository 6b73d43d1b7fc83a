"""One of the processes of a scoring loop: boto3, and nothing of ours.

    python bench/frauddetector/asking.py PORT SECONDS NAME REQUESTS.json

Says `ready`, waits for a line, asks one thing after the other, and says how many were answered.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config

if __name__ == "__main__":
    port, seconds, name, path = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]
    requests = json.loads(Path(path).read_text())
    client = boto3.client(
        "frauddetector",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        config=Config(proxies={}),
    )
    client.get_event_prediction(**requests[0] | {"eventId": f"{name}-first"})
    print("ready", flush=True)
    sys.stdin.readline()
    count, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        request = requests[count % len(requests)]
        client.get_event_prediction(**request | {"eventId": f"{name}-{count}"})
        count += 1
    print(count, flush=True)
