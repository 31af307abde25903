"""Where a module writes files, loads them, and gives temp files their final name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from atomic_fix.catalog import apis
from atomic_fix.facts.handles import RUNNERS, Handles
from atomic_fix.facts.loads import Loads, LoadSite
from atomic_fix.facts.names import dotted
from atomic_fix.facts.paths import Paths
from atomic_fix.facts.publishes import Publishes, PublishSite
from atomic_fix.facts.scopes import Binding, Call, Scopes, argument
from atomic_fix.facts.writes import Writes, WriteSite

if TYPE_CHECKING:
    from atomic_fix.config import Config

__all__ = ["LoadSite", "PublishSite", "Sites", "WriteSite"]

_PATH_METHODS = frozenset({"write_text", "write_bytes", "read_text", "read_bytes"})


class Sites:
    """Finds the sites of one module."""

    def __init__(self, scopes: Scopes, paths: Paths, config: Config) -> None:
        self.handles = Handles(scopes, paths)
        self._paths = paths
        more = (apis.Loader(name, source="any") for name in config.loaders)
        self._load = Loads(self.handles, (*apis.LOADERS, *more))
        self._write = Writes(self.handles, (*apis.SAVERS, *_more_savers(config.savers)))
        self._publish = Publishes(self.handles)
        self._helpers = frozenset(config.atomic_helpers)
        self.writes: list[WriteSite] = []
        self.loads: list[LoadSite] = []
        self.publishes: list[PublishSite] = []
        for call in scopes.calls():
            self._look_at(call)

    def _look_at(self, call: Call) -> None:
        name = self._paths.call_name(call, call.function) or ""
        bound = self._bound_method(call)
        if bound is not None:
            node = cst.Call(func=bound, args=call.node.args)
            call = Call(call.order, node, call.function, call.inside, dotted(bound), call.node)
            name = ""
        position = RUNNERS.get((call.method or name).rpartition(".")[2])
        if position is not None:
            inner = call.argument(position)
            if isinstance(inner, (cst.Attribute, cst.Name)):
                # `to_thread(path.write_text, text)` is the call `path.write_text(text)`.
                rest = [a for a in call.node.args if a.value is not inner][position:]
                node = cst.Call(func=inner, args=rest)
                call = Call(call.order, node, call.function, call.inside, dotted(inner), call.place)
                name = self._paths.call_name(call, call.function) or ""
        if name.split(".", 1)[0] in apis.ATOMIC_PACKAGES or self._is_helper(call, name):
            return
        write = self._write.find(call, name)
        if write is not None:
            self.writes.append(write)
        load = self._load.find(call, name)
        if load is not None:
            self.loads.append(load)
        publish = self._publish.find(call, name)
        if publish is not None:
            self.publishes.append(publish)

    def _bound_method(self, call: Call) -> cst.Attribute | None:
        """`path.write_text` where it is called through a name or attribute bound to it."""
        name = call.name
        if name is None or name.count(".") > 1:
            return None
        found: list[Binding] = []
        if name.startswith("self.") and call.function.owner is not None:
            if name[5:] not in call.function.owner.methods:
                found = self._paths.attribute(call.function.owner, name[5:])
        elif "." not in name:
            found = self._paths.bindings(name, call.function, call.order)
        if len(found) != 1:
            return None
        value = found[0].value
        if isinstance(value, cst.Attribute) and value.attr.value in _PATH_METHODS:
            return value
        if isinstance(value, cst.Call) and dotted(value.func) == "getattr":
            # `getattr(path, f"write_{kind}")` with `kind` text or bytes.
            target, wanted = argument(value, 0), argument(value, 1)
            if target is not None and wanted is not None:
                text = cst.Module([]).code_for_node(wanted)
                for verb in ("write", "read"):
                    if f"{verb}_" in text:
                        return cst.Attribute(target, cst.Name(f"{verb}_text"))
        return None

    def _is_helper(self, call: Call, name: str) -> bool:
        """Whether configuration vouches for what is called, or for the function around it."""
        lasts = {helper.replace(":", ".").rpartition(".")[2] for helper in self._helpers}
        return call.function.name in lasts or name.removeprefix("?.").rpartition(".")[2] in lasts


def _more_savers(rows: tuple[str, ...]) -> tuple[apis.Saver, ...]:
    found = []
    for row in rows:
        name, _, position = row.partition(":")
        found.append(apis.Saver(name, int(position or 0), "", "state", takes_handle=False))
    return tuple(found)
