"""Where a module writes files, loads them, and gives temp files their final name."""

from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.catalog.words import PROMISING
from atomic_fix.config import Config
from atomic_fix.facts.handles import Handles
from atomic_fix.facts.loads import Loads, LoadSite
from atomic_fix.facts.names import dotted, words
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
        self.scopes = scopes
        self.paths = paths
        self.handles = Handles(scopes, paths)
        loaders = (apis.Loader(name, takes_path=True) for name in config.loaders)
        self._load = Loads(self.handles, (*apis.LOADERS, *loaders))
        rows = (row.partition(":") for row in config.savers)
        savers = (apis.Saver(name, int(place or 0), "", "state") for name, _, place in rows)
        self._write = Writes(self.handles, (*apis.SAVERS, *savers))
        self._publish = _Publishes(self.handles)
        # What configuration vouches for: calls of it, and all that it calls.
        helpers = (helper.replace(":", ".") for helper in config.atomic_helpers)
        self._helpers = {helper.rpartition(".")[2] for helper in helpers}
        self._loads: list[LoadSite] = []
        self._loads_of: dict[FunctionFacts, list[LoadSite]] = {}
        self._keepers: list[Call] = []
        self.writes: list[WriteSite] = []
        self.publishes: list[PublishSite] = []
        self._done = {*scopes.functions}
        for call in scopes.calls():
            self._look_at(call)

    @cached_property
    def loads(self) -> list[LoadSite]:
        """The loads in the order of the file. Most are never asked for: see `Scopes.loading`."""
        for function in self.scopes.loading():
            self.loads_in(function)
        return sorted(self._loads, key=lambda load: load.order)

    def loads_in(self, function: FunctionFacts) -> list[LoadSite]:
        """The loads of one function in the order of the file."""
        if function not in self._done and function.may_load:
            self._done.add(function)
            for call in function.calls:
                self._look_at(call)
        return sorted(self._loads_of.get(function, ()), key=lambda load: load.order)

    @cached_property
    def kept(self) -> list[WriteSite]:
        """Calls of functions from elsewhere that write a file, and are no finding themselves."""
        for function in self.scopes.keeping():
            self.loads_in(function)
        return [
            WriteSite(call, "helper", "", arg.value, self.handles.resolve(arg.value, call), "w", "")
            for call in sorted(self._keepers, key=lambda call: call.order)
            for arg in call.node.args[:3]
        ]

    @cached_property
    def given_to_atomic_writers(self) -> frozenset[str]:
        """Names of functions that are handed to one from elsewhere whose name promises an atomic
        write."""
        return frozenset(
            (dotted(keeper.path_node) or "").rpartition(".")[2]
            for keeper in self.kept
            if not PROMISING.isdisjoint(words(keeper.call.method or keeper.call.name or ""))
        )

    def _look_at(self, call: Call) -> None:
        name = self.paths.call_name(call, call.function)
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
                name = self.paths.call_name(call, call.function)
        last = name.rpartition(".")[2]
        helper = (
            name.partition(".")[0] in apis.ATOMIC_PACKAGES
            or last in self._helpers
            or call.function.name in self._helpers
        )
        keeps = helper or apis.KEEPER.fullmatch(call.method or last)
        if keeps and not self.paths.callees(call.node, call.function):
            self._keepers.append(call)
        if helper:
            return
        write = self._write.find(call, name)
        if write is not None:
            self.writes.append(write)
        elif (load := self._load.find(call, name)) is not None:
            self._loads.append(load)
            self._loads_of.setdefault(load.function, []).append(load)
        publish = self._publish.find(call, name)
        if publish is not None:
            self.publishes.append(publish)


def _ends(call: Call) -> tuple[cst.BaseExpression | None, cst.BaseExpression | None]:
    """What `os.replace` and its like are given."""
    return call.argument(0, "src"), call.argument(1, "dst")


class _Publishes:
    """Tells whether a call gives a file its final name."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def find(self, call: Call, name: str) -> PublishSite | None:
        how = apis.PUBLISHERS.get(name)
        if how is not None:
            return self._publish_site(call, how, name, *_ends(call))
        method = call.method
        target = call.argument(0, "target")
        if method in apis.PUBLISH_METHODS and target is not None and len(call.node.args) == 1:
            if isinstance(target, cst.Dict):
                return None  # DataFrame.rename({...})
            return self._publish_site(call, method, f"Path.{method}", call.receiver, target)
        # A helper of the module whose body publishes its parameters.
        paths = self._handles.paths
        for callee in paths.callees(call.node, call.function)[:1]:
            if callee is call.function or not callee.may_call(_PUBLISHER_NAMES):
                continue
            for inner in callee.calls:
                how = apis.PUBLISHERS.get(paths.call_name(inner, callee))
                if how is None:
                    continue
                positions = [
                    callee.parameter_position(n.value) if isinstance(n, cst.Name) else None
                    for n in _ends(inner)
                ]
                if None in positions:
                    continue
                source, target = map(call.argument, positions)
                found = self._publish_site(call, how, callee.name, source, target)
                if found is not None:
                    return found
        return None

    def _publish_site(
        self,
        call: Call,
        how: str,
        api: str,
        source: cst.BaseExpression | None,
        target: cst.BaseExpression | None,
    ) -> PublishSite | None:
        if source is None or target is None:
            return None
        resolve = self._handles.resolve
        return PublishSite(
            call, how, api, source, target, resolve(source, call), resolve(target, call)
        )
