"""The functions that contact flows invoke: registered by name, run wherever they are.

A function is a Python handler with AWS Lambda's signature, run in processes of its own; an HTTP
endpoint; or a real function of AWS Lambda. Knows the database and the shapes that flows expect, and
neither calls nor cases: what only a case's call can do (`built_ins`) is handed in with the
invocation.
"""

from ringfence.functions.definitions import (
    Definition,
    Function,
    HttpFunction,
    LambdaFunction,
    PythonFunction,
)
from ringfence.functions.invocations import Answer, ErrorDocument
from ringfence.functions.logs import FunctionLogs, LogLine
from ringfence.functions.processes import try_loading
from ringfence.functions.registry import (
    delete_function,
    get_function,
    list_functions,
    load_function,
    put_function,
)
from ringfence.functions.runner import BuiltIn, FunctionRunner

__all__ = [
    "Answer",
    "BuiltIn",
    "Definition",
    "ErrorDocument",
    "Function",
    "FunctionLogs",
    "FunctionRunner",
    "HttpFunction",
    "LambdaFunction",
    "LogLine",
    "PythonFunction",
    "delete_function",
    "get_function",
    "list_functions",
    "load_function",
    "put_function",
    "try_loading",
]
