"""AWS's own description of a service: its operations, and what every member may be.

Requests are read and checked from the model that botocore publishes, which is what clients are
built from. Clients check only what is required, JSON types and lower bounds; patterns, upper bounds
and enums are left to the server.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel


@cache
def service_model(name: str) -> ServiceModel:
    """The published model of a service, such as `frauddetector`. botocore is loaded when it is
    first asked for."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@cache
def operation_model(service: str, operation: str) -> OperationModel | None:
    """The model of an operation, None when the service has none of that name."""
    model = service_model(service)
    return model.operation_model(operation) if operation in model.operation_names else None


@cache
def declared_errors(service: str, operation: str) -> frozenset[str]:
    """The names of the exceptions that an operation declares."""
    model = operation_model(service, operation)
    return frozenset(shape.name for shape in model.error_shapes) if model else frozenset()
