"""What Rasa 3.6 does anew at each turn, done once; what is accepted, found and computed stays the same.

Rasa checks each action's result against a JSON schema, and each time checks that schema itself first:
20 of the 26 CPU milliseconds of a turn. For each event that it reads back it walks all classes of events:
two thirds of the time of reading a conversation. And three times a turn it makes a plan of the model's
graph, has Dask put it in order, and writes all that goes in into a line for a log that nobody reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jsonschema
from rasa.core.actions.action import RemoteAction
from rasa.engine.constants import PLACEHOLDER_MESSAGE
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.events import Event

from mesoguide.rasa_host import metrics


class Checked(dict[str, Any]):
    """The result of an action that ran in this process: it needs no check against the schema."""


class InOrder:
    """Runs the nodes of a loaded model's graph one after the other, in an order that is found once.

    Parameters
    ----------
    runner
        Rasa's own, which made the nodes.
    """

    def __init__(self, runner: DaskGraphRunner) -> None:
        self._schema, self._nodes = runner._graph_schema, runner._instantiated_nodes  # noqa: SLF001
        self._orders: dict[tuple[str, ...], list[tuple[GraphNode, tuple[str, ...]]]] = {}

    def run(
        self, inputs: dict[str, Any] | None = None, targets: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Return what each of the ``targets`` gives (as Rasa's runner does)."""
        wanted = tuple(targets or self._schema.target_names)
        done: dict[str, tuple[str, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        with metrics.stage("understand" if PLACEHOLDER_MESSAGE in done else "decide"):
            for node, needs in self._orders.get(wanted) or self._ordered(wanted):
                name, value = node(*(done[need] for need in needs))
                done[name] = (name, value)
        return {name: done[name][1] for name in wanted}

    def _ordered(self, wanted: tuple[str, ...]) -> list[tuple[GraphNode, tuple[str, ...]]]:
        found: dict[str, tuple[GraphNode, tuple[str, ...]]] = {}

        def add(name: str) -> None:
            if name in found or name not in self._nodes:  # an input is no node
                return
            needs = tuple(self._schema.nodes[name].needs.values())
            for need in needs:
                add(need)
            found[name] = (self._nodes[name], needs)

        for name in wanted:
            add(name)
        self._orders[wanted] = list(found.values())
        return self._orders[wanted]


@lru_cache(maxsize=1)
def do_once() -> None:
    """Replace the check of results and the search for events' classes in this process."""
    schema = RemoteAction.action_response_format_spec()
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    def validate(action: RemoteAction, result: dict[str, Any]) -> bool:
        if not isinstance(result, Checked):
            validator.validate(result)
        return True

    known: dict[str, type[Event]] = {}
    find = Event.resolve_by_type

    def resolve(type_name: str, default: type[Event] | None = None) -> type[Event] | None:
        if type_name not in known:
            found: type[Event] | None = find(type_name, default)
            if found is None or found is default:
                return found
            known[type_name] = found
        return known[type_name]

    Event.resolve_by_type = staticmethod(resolve)
    RemoteAction._validate_action_result = validate  # noqa: SLF001 - see the module's docstring
