"""Calls that move or copy a finished file to its final name."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.facts.handles import Handles
from atomic_fix.facts.paths import PathValue
from atomic_fix.facts.scopes import Call, Site


@dataclass(frozen=True, slots=True, eq=False)
class PublishSite(Site):
    """A call that moves or copies a finished file to its final name."""

    how: str
    """`replace`, `rename`, `link`, `move`, `copy`."""
    api: str
    source_node: cst.BaseExpression
    target_node: cst.BaseExpression
    source: PathValue
    target: PathValue


_PUBLISHER_NAMES = frozenset(name.rpartition(".")[2] for name in apis.PUBLISHERS)


class Publishes:
    """Tells whether a call gives a file its final name."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def find(self, call: Call, name: str) -> PublishSite | None:
        how = apis.PUBLISHERS.get(name)
        if how is not None:
            source, target = call.argument(0, "src"), call.argument(1, "dst")
            if source is None or target is None:
                return None
            return self._publish_site(call, how, name, source, target)
        method = call.method
        receiver = call.receiver
        if (
            method in apis.PUBLISH_METHODS
            and receiver is not None
            and len(call.node.args) == 1
            and call.node.args[0].star == ""
            and (call.node.args[0].keyword is None or call.node.args[0].keyword.value == "target")
        ):
            target = call.node.args[0].value
            if isinstance(target, cst.Dict):
                return None  # DataFrame.rename({...})
            how = apis.PUBLISH_METHODS[method]
            return self._publish_site(call, how, f"Path.{method}", receiver, target)
        # A helper of the module whose body publishes its parameters.
        for callee in self._handles.paths.callees(call.node, call.function)[:1]:
            if callee is call.function or not callee.may_call(_PUBLISHER_NAMES):
                continue
            for inner in callee.calls:
                inner_name = self._handles.paths.call_name(inner, callee) or ""
                how = apis.PUBLISHERS.get(inner_name)
                if how is None:
                    continue
                source, target = inner.argument(0, "src"), inner.argument(1, "dst")
                positions = [
                    callee.parameter_position(n.value) if isinstance(n, cst.Name) else None
                    for n in (source, target)
                ]
                if None in positions:
                    continue
                given = [call.argument(p if p is not None else 999) for p in positions]
                if given[0] is not None and given[1] is not None:
                    return self._publish_site(call, how, callee.name, given[0], given[1])
        return None

    def _publish_site(
        self,
        call: Call,
        how: str,
        api: str,
        source: cst.BaseExpression,
        target: cst.BaseExpression,
    ) -> PublishSite:
        return PublishSite(
            call,
            how,
            api,
            source,
            target,
            self._handles.resolve(source, call),
            self._handles.resolve(target, call),
        )
