# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of experiment trackers that reach nothing."""

import math
import types
from collections.abc import Callable
from typing import Any


class MlflowStandIn(types.ModuleType):
    """A package of MLflow that a server answers through until `lasts` requests have been made; it keeps their names."""

    def __init__(self, lasts: float = math.inf) -> None:
        super().__init__("mlflow")
        self.lasts, self.requests = lasts, list[str]()
        self.entities = types.SimpleNamespace(Param=_tuple, Metric=_tuple)

    def MlflowClient(self, tracking_uri: str) -> Any:  # noqa: N802
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):  # what Python asks of modules
            raise AttributeError(name)

        def request(*_: Any, **__: Any) -> Any:
            self.requests.append(name)
            if len(self.requests) > self.lasts:
                raise ConnectionError("the server\nis gone")
            return types.SimpleNamespace(experiment_id="1", info=types.SimpleNamespace(run_id="7"))

        return request


def _tuple(*values: Any) -> tuple[Any, ...]:
    return values
