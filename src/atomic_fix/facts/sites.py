"""Where a module writes files, loads them, and gives temp files their final name."""

from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.config import Config
from atomic_fix.facts.handles import Handles
from atomic_fix.facts.loads import Loads, LoadSite
from atomic_fix.facts.names import dotted
from atomic_fix.facts.paths import Paths, PathValue
from atomic_fix.facts.scopes import Call, FunctionFacts, Scopes, Site
from atomic_fix.facts.writes import Writes, WriteSite

__all__ = ["LoadSite", "PublishSite", "Sites", "WriteSite"]


_PUBLISHER_NAMES = frozenset(name.rpartition(".")[2] for name in apis.PUBLISHERS)


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


class Sites:
    """Finds the sites of one module."""

    def __init__(self, scopes: Scopes, paths: Paths, config: Config) -> None:
        self.handles = Handles(scopes, paths)
        self._paths = paths
        more = (apis.Loader(name, source="any") for name in config.loaders)
        self._load = Loads(self.handles, (*apis.LOADERS, *more))
        self._write = Writes(self.handles, (*apis.SAVERS, *_more_savers(config.savers)))
        self._publish = _Publishes(self.handles)
        self._helpers = frozenset(config.atomic_helpers)
        self._scopes = scopes
        self._loads: list[LoadSite] = []
        self._keepers: list[Call] = []
        self.writes: list[WriteSite] = []
        self.publishes: list[PublishSite] = []
        self._done = {*scopes.functions}
        for call in scopes.calls():
            self._look_at(call)

    @cached_property
    def loads(self) -> list[LoadSite]:
        """The loads in the order of the file. Most are never asked for: see `Scopes.loading`."""
        for function in self._scopes.loading():
            self.loads_in(function)
        return sorted(self._loads, key=lambda load: load.order)

    def loads_in(self, function: FunctionFacts) -> list[LoadSite]:
        """The loads of one function in the order of the file."""
        if function not in self._done and function.may_load:
            self._done.add(function)
            for call in function.calls:
                self._look_at(call)
        found = (load for load in self._loads if load.function is function)
        return sorted(found, key=lambda load: load.order)

    @cached_property
    def kept(self) -> list[WriteSite]:
        """Calls of functions from elsewhere that write a file, and are no finding themselves."""
        for function in self._scopes.keeping():
            self.loads_in(function)
        return [
            WriteSite(call, "helper", "", arg.value, self.handles.resolve(arg.value, call), "w", "")
            for call in sorted(self._keepers, key=lambda call: call.order)
            for arg in call.node.args[:3]
        ]

    def _look_at(self, call: Call) -> None:
        name = self._paths.call_name(call, call.function) or ""
        bound = self.handles.bound_method(call)
        if bound is not None:
            node = cst.Call(func=bound, args=call.node.args)
            call = Call(call.order, node, call.function, call.inside, dotted(bound), call.node)
            name = ""
        position = apis.RUNNERS.get((call.method or name).rpartition(".")[2])
        if position is not None:
            inner = call.argument(position)
            if isinstance(inner, (cst.Attribute, cst.Name)):
                # `to_thread(path.write_text, text)` is the call `path.write_text(text)`.
                rest = [a for a in call.node.args if a.value is not inner][position:]
                node = cst.Call(func=inner, args=rest)
                call = Call(call.order, node, call.function, call.inside, dotted(inner), call.place)
                name = self._paths.call_name(call, call.function) or ""
        helper = name.split(".", 1)[0] in apis.ATOMIC_PACKAGES or self._is_helper(call, name)
        keeps = helper or apis.KEEPER.fullmatch(call.method or name.rpartition(".")[2])
        if keeps and not self._paths.callees(call.node, call.function):
            self._keepers.append(call)
        if helper:
            return
        write = self._write.find(call, name)
        if write is not None:
            self.writes.append(write)
        load = self._load.find(call, name) if write is None else None
        if load is not None:
            self._loads.append(load)
        publish = self._publish.find(call, name)
        if publish is not None:
            self.publishes.append(publish)

    def _is_helper(self, call: Call, name: str) -> bool:
        """Whether configuration vouches for what is called, or for the function around it."""
        lasts = {helper.replace(":", ".").rpartition(".")[2] for helper in self._helpers}
        return call.function.name in lasts or name.removeprefix("?.").rpartition(".")[2] in lasts


def _more_savers(rows: tuple[str, ...]) -> tuple[apis.Saver, ...]:
    found = []
    for row in rows:
        name, _, position = row.partition(":")
        found.append(apis.Saver(name, int(position or 0), "", "state"))
    return tuple(found)


class _Publishes:
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
                given = [call.argument(position) for position in positions]
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
