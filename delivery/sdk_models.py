"""Objects held against the models of kserve's and Kubernetes' own SDKs: unknown fields, wrong types, missing ones."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

import kserve.models
import kubernetes.client.models

_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "bool": (bool,), "float": (int, float)}


def faults_of(one: dict[str, Any], model: str = "V1beta1InferenceService") -> list[str]:
    """What a model has against the object, its status aside; empty: nothing."""
    content = {key: value for key, value in one.items() if key != "status"}
    return list(_faults(content, model, ""))


def _faults(value: Any, type_name: str, path: str) -> Iterator[str]:
    if listed := re.fullmatch(r"list\[(.+)\]", type_name):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for i, one in enumerate(value):
            yield from _faults(one, listed.group(1), f"{path}[{i}]")
    elif mapped := re.fullmatch(r"dict\(str, (.+)\)", type_name):
        for key, one in value.items():
            yield from _faults(one, mapped.group(1), f"{path}.{key}")
    elif type_name in _PLAIN:
        if not isinstance(value, _PLAIN[type_name]) or (isinstance(value, bool) and type_name != "bool"):
            yield f"{path} is {value!r}, no {type_name}"
    else:
        yield from _model_faults(value, type_name, path)


def _model_faults(value: Any, type_name: str, path: str) -> Iterator[str]:
    model = getattr(kserve.models, type_name, None) or getattr(kubernetes.client.models, type_name, None)
    if model is None or type_name in ("ResourceQuantity", "V1ObjectMeta", datetime.datetime.__name__):
        return
    if not isinstance(value, dict):
        yield f"{path} is {value!r}, no {type_name}"
        return
    names = {key: attribute for attribute, key in model.attribute_map.items()}
    for key, one in value.items():
        if key not in names:
            yield f"unknown field {path}.{key}"
        else:
            yield from _faults(one, model.openapi_types[names[key]], f"{path}.{key}")
    if not set(value) - set(names):
        try:
            model(**{names[key]: one for key, one in value.items()})
        except ValueError as error:
            yield f"{path}: {error}"
