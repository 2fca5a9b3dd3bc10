"""By what KFP's cache tells one run of a step from another.

Its key holds parameters by value and input artifacts by name alone (`backend/src/v2/cacheutils/cache.go`); what stands
for the name has been the artifact's row in MLMD, which another start of its step changes, and since MLMD was taken out
of the backend is the name that the output has in its component, which nothing changes. A step that only artifacts tell
of other recordings would be answered with an earlier run's result. So every cached step takes as parameters whatever
its artifacts depend on. The component's code has no use for them, and they stand in its inputs all the same:
`silencio check` refuses a graph in which one is missing.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from kfp.dsl import structures

# Parameters that stand for the settings and the recordings which input artifacts were made with and of. A run of this
# machine looks at the artifacts themselves (`pipelines.local.resume`).
MADE_WITH, MADE_OF = "made_with", "made_of"
# A step that only joins heads reads no setting, and is keyed by those of the head.
HEAD_SETTINGS = "head_settings"
# Nodes of one component can have the same inputs but for their artifacts: another round of self-training.
NODE = "node"
# A step's page lists its input artifacts by the names of its inputs, `head_1` to `head_6`, whatever the artifacts are
# called. This parameter says there which head stands in which place.
PLACES = "heads_in_places"
_MEANING = "A value that this step's cache key depends on; its code has no use for it."
_MEANING_OF_PLACES = "Which head is which input; the step's code reads it in the heads themselves."


def keyed(component: Any, key: Mapping[str, Any], name: str = "") -> Callable[..., Any]:
    """The component, with parameters that its cache key depends on.

    Args:
        component: What `dsl.component` makes.
        key: Parameters (outputs of steps, the pipeline's own, or constant texts), by name; those that the component has
            stay its own.
        name: Name of its node in the graph, if not the component's: KFP would number several of one component.

    Returns:
        Called with the component's own arguments, it makes the task.
    """
    own = component.component_spec.inputs or {}
    added = {word: value for word, value in key.items() if word not in own}
    types = {word: "String" if isinstance(value, str) else value.channel_type for word, value in added.items()}
    if name:
        added[NODE], types[NODE] = name, "String"
    inputs = {
        **own,
        **{
            word: structures.InputSpec(types[word], description=_MEANING_OF_PLACES if word == PLACES else _MEANING)
            for word in added
        },
    }
    named = copy.copy(component)
    named.name = name or component.name
    named.component_spec = dataclasses.replace(component.component_spec, name=named.name, inputs=inputs)
    named._component_inputs = set(inputs)
    return lambda **arguments: named(**added, **{word: key[word] for word in key if word in own}, **arguments)
