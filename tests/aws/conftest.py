from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of

from ringfence.storage import Database, migrate


@pytest.fixture(scope="module")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes any access key, with an empty database."""
    data_dir = tmp_path_factory.mktemp("aws") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as server:
        yield server


@pytest.fixture(scope="module")
def frauddetector(aws_server: Server) -> ClientOf:
    """boto3's client of that server; it does not try anything twice."""
    return client_of(aws_server.url)


@pytest.fixture(scope="module")
def connect(aws_server: Server) -> ClientOf:
    """boto3's client of Amazon Connect, of the module's own `aws_server` where it has one."""
    return client_of(aws_server.url, "connect")


@pytest.fixture(scope="module")
def instance(connect: ClientOf) -> str:
    """The id of the server's instance."""
    (one,) = connect.list_instances()["InstanceSummaryList"]
    return str(one["Id"])
