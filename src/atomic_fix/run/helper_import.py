"""Determines whether a file can import the helper that its repairs would call. A repair that adds
an import which the program does not have breaks it at its next start. So the import is resolved
first, for each file: in the source roots of its project, else among the distributions that the
project declares. Only if a tree declares nothing are modules of the running Python considered, and
only if that may be the Python of the program. Modules are searched for and read, never imported.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache
from importlib.machinery import PathFinder
from typing import Any, TypeAlias

from atomic_fix.config import AUTO, Config, own_helper
from atomic_fix.finding import Applicability, Edit, FileResult, Finding, Fix
from atomic_fix.run import dependencies
from atomic_fix.run.apart import Apart, runs_by_the_systems_python
from atomic_fix.run.copies import (
    free_place,
    is_copy,
    nested_settings_file,
    settings_file,
    shown,
)
from atomic_fix.run.dags import dags_folder
from atomic_fix.run.dependencies import Dependencies, normalised
from atomic_fix.run.import_names import ImportNames, optional_imports
from atomic_fix.run.module_files import (
    find_module,
    is_below,
    loads_all_beside,
    names_in,
    run_imports,
)
from atomic_fix.run.output_streams import OutputStreams
from atomic_fix.run.packaging import packagings
from atomic_fix.run.plugin_folders import listing
from atomic_fix.run.programs import Programs, needs_others
from atomic_fix.run.project import (
    Project,
    Projects,
    import_root,
    modules_below,
    neighbours,
    text_of,
)
from atomic_fix.run.python_versions import (
    FIRST_OF_COPIES,
    FIRST_OF_PACKAGE,
    FIRST_WITH_REPLACE,
    admitted_by_script,
)
from atomic_fix.run.reach import Reach, brings
from atomic_fix.run.search_path import added, last_change, names_imported
from atomic_fix.run.sent import (
    installs_lists,
    modules_that_hand_over,
    names_file,
    scripts_that_copy,
    sending,
)
from atomic_fix.run.test_doubles import TestDoubles
from atomic_fix.settings import Resolver, Settings, has_project_file
from atomic_fix.source import Source, folder_of_scripts, relative_if_inside

_Read: TypeAlias = Callable[[str], str | None]
_OURS = "atomic_fix"
_FROM = re.compile(r"(?m)^[ \t]*from ([\w.]+) import ")
_WARNING = re.compile(r"(?m)^[ \t]*([\w.()]+\.warning)\(")
_IS_PROGRAM = re.compile(r"""(?m)^if[ (]+__name__ *== *["']__main__["']""")
_OF_REPOSITORIES = re.compile(r"(?i)^(?:\.git|\.hg|\.svn|readme[\w.-]*)$")
_MOST_SIBLINGS = 100
_MOST_FILES = 500
_MOST_READ = 2000
_MOST_PLACES = 10
_MOST_PLANNED = 200
_NOTHING_TAKEN: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Missing:
    """A clause that says why files of a project cannot have an import, and what to do about it."""

    module: str
    reason: str
    hint: str = ""
    """What to do; if there is a `place`, it follows the command for a copy there."""
    calls: str = ""
    """The call to use instead, if that needs no import."""
    place: str = ""
    """The path of a copy that the file would find."""
    of_file: bool = False
    """Whether the project has the helper, and only this file or some like it cannot import it."""

    @property
    def advice(self) -> str:
        """What to do about it; empty for a file that never can have the import."""
        return f"run `atomic-fix --vendor {self.place}`{self.hint}" if self.place else self.hint

    @property
    def is_setup(self) -> bool:
        """Whether the repairs have to wait until the user has acted."""
        return bool(self.advice) and not self.of_file

    @property
    def message(self) -> str:
        """A clause that says why there is no repair."""
        if self.calls:
            return f"it would call `{self.calls}`, and {self.reason}"
        return f"it would import `{self.module}`, and {self.reason}"


@dataclass(frozen=True, slots=True)
class Found:
    """The file can have the import. `remark` says in which case it may still be missing."""

    remark: str = ""


class HelperImports:
    """Resolves the imports of the helper. Caches what it has read, for one run."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._projects = Projects()
        self._apart = Apart()
        self._reach = Reach()
        self._programs = Programs()
        self._names = ImportNames()
        self._listing = cache(listing)
        self._doubles = TestDoubles()
        self._streams = OutputStreams(self._programs)
        self._packagings = cache(packagings)
        self._scripts_that_copy = cache(scripts_that_copy)
        self._modules_that_hand_over = cache(modules_that_hand_over)
        self._files: dict[tuple[str, str], _Answer] = {}
        self._sending: dict[str, tuple[str, str]] = {}
        self._left_out: dict[str, bool] = {}
        self._distributions: Mapping[str, list[str]] | None = None
        self._read = cache(text_of)
        self._own: dict[str, str] = {}
        self._lacking: dict[str, Source] = {}
        """The files that would find a copy at some place."""
        self._planned = ""

    def use_own(self, filename: str, helper: str) -> None:
        """Record the project's own helper, in the form of the setting, for a file with `auto`."""
        self._own[filename] = helper

    def use_own_of(self, finding: Finding) -> None:
        """Record the project's own helper, for a file with `auto`, as the repair of a finding
        imports it."""
        filename = finding.filename
        if filename in self._own or self._resolver.for_file(filename).config.helper != AUTO:
            return
        default = Config().helper
        for edit in finding.fix.edits if finding.fix is not None else ():
            for module in _FROM.findall(edit.text):
                if module != default and module.partition(".")[0] not in sys.stdlib_module_names:
                    names = imported_names(finding.fix, module)
                    self._own[filename] = f"{module}:{names[0]}"

    def _settings_for(self, filename: str) -> Settings:
        """The settings of a file, with the helper that its repairs call."""
        settings = self._resolver.for_file(filename)
        if settings.config.helper != AUTO:
            return settings
        helper = self._own.get(filename) or Config().helper
        return replace(settings, config=replace(settings.config, helper=helper))

    def module_for(self, filename: str) -> str:
        """The module that repairs of a file import from."""
        return _module_of(self._settings_for(filename))

    def imported(self, finding: Finding, text: str) -> str:
        """The module from which a repair that produced `text` imports names; empty for most repairs
        that do not need the helper."""
        module = self.module_for(finding.filename)
        if imported_names(finding.fix, module):
            return module
        names = {local for _, local in _imported_from(module, text)}
        words = {
            word
            for edit in (finding.fix.edits if finding.fix is not None else ())
            for word in re.findall(r"\w+", edit.text)
        }
        return "" if names.isdisjoint(words) else module

    def missing(self, source: Source, finding: Finding) -> Missing | None:
        """Why the repair of a finding would leave a program that cannot start, or None."""
        found = self.resolve(source, finding)
        return found if isinstance(found, Missing) else None

    def resolve(self, source: Source, finding: Finding) -> Found | Missing:
        """Whether the source can import what the repair of one of its findings needs."""
        if fails := self._lacks_replace(source, finding.fix) or self._disturbs(source, finding.fix):
            return fails
        settings = self._settings_for(source.filename)
        module = _module_of(settings)
        names = imported_names(finding.fix, module)
        if not names:
            return Found()
        if tested := self._where_tests_replace(source, finding, names[0]):
            return tested
        key = (source.filename, module)
        if key not in self._files:
            answer = self._answer(source, module, settings)
            if isinstance(answer, Missing) and answer.place:
                answer = self._with_useful_place(source, answer)
            self._files[key] = answer
        found = self._files[key]
        if not isinstance(found, _Names):
            return found
        if early := self._comes_too_early(source, finding, module):
            return early
        lacking = [name for name in names if not found.has(name)]
        if not lacking:
            return Found()
        return self._incomplete(found, module, lacking)

    def _answer(self, source: Source, module: str, settings: Settings) -> _Answer:
        if reason := self._why_apart(source, module, settings):
            return Missing(module, reason)
        if settings.assume_helper:
            return Found()
        if alone := self._where_it_is_handed_over(source, module):
            return alone
        found = self._resolved(source, module, settings)
        project = self._projects.of(os.path.abspath(source.filename))
        script = dependencies.table_of_script(source.text)
        if script is not None:
            project = replace(project, python=admitted_by_script(script))
        return _for_its_pythons(found, module, settings, project, source.filename)

    # --- places for copies -------------------------------------------------------------

    def _with_useful_place(self, source: Source, missing: Missing) -> Missing:
        """The same, with a place for a copy that the file would find; without one if there is
        none."""
        for place in self._places(source, missing):
            if self._serves(place, source):
                self._lacking[source.filename] = source
                return replace(missing, place=place)
        alternative = missing.hint.removeprefix(", or ")
        return replace(missing, place="", hint="" if alternative == missing.hint else alternative)

    def _places(self, source: Source, missing: Missing) -> list[str]:
        path = os.path.abspath(source.filename)
        project = self._projects.of(path)
        folders = (project.package_of(path), project.main_package(), os.path.dirname(path))
        places = (missing.place, *(free_place(each) for each in folders if each))
        return list(dict.fromkeys(places))

    def _serves(
        self, place: str, source: Source, taken: Mapping[str, str] = _NOTHING_TAKEN
    ) -> bool:
        """Whether a file could import a copy of the helper at a place once `--vendor` has put it
        there.

        Args:
            taken: configuration files that will name another copy by then, each with its module.
        """
        whole = os.path.abspath(place)
        module = self._projects.of(whole).module_of(whole)
        if not all(each.isidentifier() for each in module.split(".")):
            return False
        if self._is_listed(os.path.dirname(whole)) or not self._would_apply(
            whole, module, source.filename, taken
        ):
            return False
        settings = self._settings_for(source.filename)
        config = replace(settings.config, helper=module)
        settings = replace(settings, config=config, assume_helper=False)
        self._planned = whole
        try:
            return not isinstance(self._answer(source, module, settings), Missing)
        finally:
            self._planned = ""

    def _would_apply(
        self, whole: str, module: str, filename: str, taken: Mapping[str, str]
    ) -> bool:
        """Whether the setting that `--vendor` writes for a copy applies to a file."""
        if self._resolver.isolated:
            return True
        there, here = (self._resolver.for_file(each) for each in (whole, filename))
        if there.origin != here.origin:
            return False
        file = settings_file(whole, self._resolver, self._projects)
        helper = taken.get(file, there.config.helper)
        if helper not in {module, Config().helper}:
            file = nested_settings_file(whole, file, helper)
        folder = os.path.dirname(file)
        return bool(file) and relative_if_inside(os.path.abspath(filename), folder) is not None

    def plan(self, missing: Mapping[str, Missing]) -> dict[str, Missing]:
        """The same for each file of a run, with as few copies as possible: each place is one that
        the file would find after the commands for all of them."""
        rest = {name: each for name, each in missing.items() if name in self._lacking}
        counts = Counter(each.place for each in rest.values())
        for name, each in list(rest.items())[:_MOST_PLANNED]:
            counts.update(dict.fromkeys(self._places(self._lacking[name], each), 0))
        if len(rest) > 1:
            counts.update({free_place(_common_folder(rest)): 1})
        places = [place for place, _ in counts.most_common(_MOST_PLACES)]
        taken: dict[str, str] = {}
        found = dict(missing)
        while rest:
            served = {
                place: [
                    name
                    for name in list(rest)[:_MOST_PLANNED]
                    if self._serves(place, self._lacking[name], taken)
                ]
                for place in places
            }
            place = max(
                places,
                key=lambda each: (
                    len(served[each]),
                    self._is_in_the_middle(each, served[each]),
                    is_in_package(each) and _is_around(each, served[each]),
                    is_in_package(each),
                ),
            )
            if not served[place]:
                break
            for name in served[place]:
                found[name] = replace(found[name], place=place)
                del rest[name]
            file = settings_file(place, self._resolver, self._projects)
            whole = os.path.abspath(place)
            taken.setdefault(file, self._projects.of(whole).module_of(whole))
        return found

    def _is_in_the_middle(self, place: str, files: Sequence[str]) -> bool:
        """Whether a place is in the nearest folder around several files; in that of the project,
        only if all of them are there as well."""
        folder = os.path.dirname(os.path.abspath(place))
        if len(files) < 2 or _common_folder(files) != folder:
            return False
        is_top = folder == self._projects.of(os.path.abspath(place)).root
        return not is_top or all(os.path.dirname(os.path.abspath(each)) == folder for each in files)

    def _is_listed(self, folder: str) -> bool:
        """Whether a program takes every module of a folder, and a copy there as well."""
        top = self._projects.of(os.path.join(folder, "_.py")).root
        return bool(loads_all_beside(folder) or self._listing(folder, top))

    def all_find_helper(self, folder: str) -> bool:
        """Whether all modules of a folder, and one that nothing is known about, could import the
        helper."""
        settings = self._settings_for(os.path.join(folder, "_.py"))
        texts = {os.path.join(folder, "_.py"): "", **neighbours(folder)}
        return not any(
            isinstance(
                self._answer(
                    Source(path, text, "utf-8", bom=False), _module_of(settings), settings
                ),
                Missing,
            )
            for path, text in texts.items()
        )

    def _find(self, root: str, parts: Sequence[str]) -> str:
        """The file of a module of a source root, or of a copy that is only planned."""
        found = find_module(root, parts)
        if not found and self._planned == f"{os.path.join(root, *parts)}.py":
            return self._planned
        return found

    def _comes_too_early(self, source: Source, finding: Finding, module: str) -> Missing | None:
        """Why the import of a helper that only the file's own `sys.path` leads to would fail above
        the row that adds the folder; None where it stands below that."""
        if finding.fix is None or source.filename == "-" or not last_change(source.text):
            return None
        path = os.path.abspath(source.filename)
        project = self._projects.of(path)
        here = [
            each.span.start.row
            for each in finding.fix.edits
            if any(True for _ in _imported_from(module, each.text))
        ]
        root = next((each for each, _ in self._in_the_tree(path, project, module)), "")
        if not here or not root or root == os.path.dirname(path):
            return None
        row = added(path, source.text, project.root).get(root, 0)
        if not row and root == import_root(path):
            return None
        if not row and not _imports_above(source.text, module.partition(".")[0], min(here)):
            row = last_change(source.text)  # which may be what leads to that folder
        if min(here) > row:
            return None
        return Missing(
            module,
            f"it would be imported above the row that adds {shown(root)} to `sys.path`",
        )

    def _lacks_replace(self, source: Source, fix: Fix | None) -> Missing | None:
        """Why a repair that calls `os.replace` would fail on a Python version of the project; None
        if it exists there."""
        if source.filename == "-" or fix is None or not any(map(_is_replace, fix.edits)):
            return None
        project = self._projects.of(os.path.abspath(source.filename))
        reason = ""
        if project.for_python_2:
            reason = "the project runs on Python 2 too"
        elif project.python_2:
            reason = f"{project.python_2} puts this program on Python 2"
        elif project.python is not None and project.python.lowest < FIRST_WITH_REPLACE:
            reason = str(project.python)
        elif self._apart.is_for_python_2(project):
            reason = "other files of the project are for Python 2"
        return (
            Missing("os", f"{reason}, which does not have it", calls="os.replace")
            if reason
            else None
        )

    def _where_tests_replace(self, source: Source, finding: Finding, name: str) -> Missing | None:
        """Why a repair would make a test fail; None if no test replaces what it takes out."""
        if source.filename == "-":
            return None
        path = os.path.abspath(source.filename)
        row, root = finding.span.start.row, self._projects.of(path).root
        test = self._doubles.testing(path, source.text, row, root)
        if not test:
            return None
        return Missing(
            "", f"{shown(test)} replaces what is called here, and would fail", calls=name
        )

    def _disturbs(self, source: Source, fix: Fix | None) -> Missing | None:
        """Why a repair that adds a warning to the log would disturb the output of the program."""
        if source.filename == "-" or fix is None:
            return None
        called = next((met[1] for each in fix.edits if (met := _WARNING.search(each.text))), "")
        if not called:
            return None
        path = os.path.abspath(source.filename)
        reason = self._streams.why_not_to_log(path, self._projects.of(path))
        return Missing("logging", reason, calls=called) if reason else None

    def _why_apart(self, source: Source, module: str, settings: Settings) -> str:
        """Why a file cannot import any installed package; empty if it can, or if it finds a copy of
        the helper beside itself."""
        if source.filename == "-":
            return ""
        path = os.path.abspath(source.filename)
        project = self._projects.of(path)
        own = own_helper(settings.config.helper) is not None
        if not own and project.for_python_2:
            return "the project runs on Python 2 too, which the helper does not"
        if not own and project.python_2:
            return (
                f"{project.python_2} puts this program on Python 2, and the helper is for Python 3"
            )
        if not own and self._apart.is_for_python_2(project):
            return "other files of the project are for Python 2, and the helper for Python 3"
        if not own and (reason := self._apart.why_at_all(path, project)):
            return reason
        if next(self._in_the_tree(path, project, module), None) is not None:
            return ""
        top = module.partition(".")[0]
        if reason := self._apart.why(path, project, normalised(top)):
            return reason
        is_script = bool(project.files) and not project.holds(path)
        if (
            is_script
            and runs_by_the_systems_python(path, source.text)
            and not self._shows(source, path, project)
        ):
            return (
                "whatever Python the system has runs this script, which no package or source root "
                "holds"
            )
        return ""

    def _incomplete(self, found: _Names, module: str, lacking: Sequence[str]) -> Missing:
        path = shown(found.path)
        if found.names is None:
            return Missing(module, f"{path} cannot be parsed", "correct it")
        advice = f"update it (`atomic-fix --vendor-update {path}` does that for a copy)"
        return Missing(module, f"{path} has no `{lacking[0]}`", advice)

    def _resolved(self, source: Source, module: str, settings: Settings) -> _Answer:
        path = os.path.abspath(source.filename)
        project = self._projects.of(path)
        if project.runs_early(path):
            return Missing(module, "this file runs before anything is installed")
        own = dependencies.of_script(source.text)
        if own is not None:
            return self._of_script(path, module, own)
        parts = module.split(".")
        if parts[0] in sys.stdlib_module_names:
            return _in_this_python(module) or _not_found(module, settings, project, path)
        outside = ""
        for root, file in self._in_the_tree(path, project, module):
            if self._reaches(source, path, project, root, parts[0]):
                if file != path and _leads_back(file, path, root, self._read):
                    return Missing(module, "it imports this file in turn")
                behind = self._why_left_behind(module, file, path, project)
                if behind is not None and source.filename != "-" and file != path:
                    return behind
                if renamed := self._why_renamed(source, module, root, file, project):
                    return renamed
                if loader := loads_all_beside(os.path.dirname(file)):
                    return Missing(
                        module,
                        f"{shown(loader)} imports every module of its folder as a plug-in, the "
                        "copy as well",
                        f"run `atomic-fix --vendor {free_place(os.path.dirname(file))}`, remove "
                        "that copy, and set `helper` accordingly",
                    )
                if self._reach.updater(project.root) == path:
                    return Missing(
                        module,
                        "this file brings the program up to date, and has to start where the copy "
                        "is damaged or missing",
                    )
                if alone := self._why_without_its_package(source, module, root, path, project):
                    return alone
                if by_path := self._where_the_root_is_not(source, module, root, file, project):
                    return by_path
                return _Names.of(file, self._read)
            outside = outside or file
        if outside and (by_imports := project.searched(path)):
            return Missing(
                module,
                f"this file and those beside it import each other by way of "
                f"{shown(by_imports[0])}/, not by way of where {shown(outside)} is",
                place=free_place(project.package_of(path)),
                of_file=True,
            )
        if outside:
            return Missing(
                module,
                f"this script is in no package, and may not find {shown(outside)}",
            )
        if project.is_beside_projects:
            return Missing(
                module,
                "this file belongs to no project of the tree, "
                "and may run where none of them is installed",
            )
        if self._apart.is_installed_by_host(path, project, normalised(parts[0])):
            return Found()
        if scheduled := self._where_airflow_runs_it(module, project, path):
            return scheduled
        if not project.files:
            return self._of_the_interpreter(module, settings, project, path)
        if project.ships(path) and not _imports_own(source.text, path, project):
            return Missing(
                module,
                "the project ships this script as data, "
                "and it may run where the project is not installed",
            )
        is_there, extra = self._is_declared(module, project.declared)
        is_held = (
            project.holds(path)
            and not (_is_of_tools(path, project) and _IS_PROGRAM.search(source.text))
            and not self._is_beside_a_package(source, path, project)
        )
        if not (source.filename == "-" or is_held or self._shows(source, path, project)):
            return Missing(
                module,
                "this script is in no package or source folder, "
                "and may run where the project is not installed",
            )
        if self._is_left_out(path, project):
            return Missing(
                module,
                "the project does not distribute this package, "
                "and it may run where the project is not installed",
            )
        hidden = any(find_module(root, parts[:1]) for _, root in project.roots)
        if is_there and not hidden and not _is_nowhere_in_ours(module):
            return (
                self._where_others_are_needed(module, source, path, project)
                or self._where_the_system_runs_it(module, project, path)
                or self._where_it_is_sent(module, project, path)
                or self._where_it_does_not_reach(module, project, path)
                or self._where_a_list_lacks_it(module, project, path)
                or Found(extra or self._remark_on_lists(project))
            )
        return _not_found(module, settings, project, path)

    def _of_script(self, path: str, module: str, own: Dependencies) -> _Answer:
        """The answer for a script with its own list of dependencies."""
        if file := self._find(os.path.dirname(path), module.split(".")):
            return _Names.of(file, self._read)
        if self._is_declared(module, own)[0] and not _is_nowhere_in_ours(module):
            return Found()
        return Missing(module, "the script's own list of dependencies does not include it")

    def _of_the_interpreter(
        self, module: str, settings: Settings, project: Project, path: str
    ) -> _Answer:
        """The answer for a tree that declares nothing where Python's own tools look."""
        place = free_place(project.package_of(path))
        others = self._packagings(project.root)
        if others and not any(each.has_ours for each in others):
            return Missing(
                module,
                f"{shown(others[0].file)} shows that the program gets what it needs elsewhere, "
                "and does not name atomic-fix",
                place=place,
            )
        if replaces := self._reach.updater(project.root):
            return Missing(
                module,
                f"{shown(replaces)} replaces the files of the program with newer ones and "
                "installs nothing",
                ": a copy comes with it",
                place=place,
            )
        tool = _tool_that_owns_this_python()
        if not tool and (lacking := self._lacking_here(path, project)):
            return Missing(
                module,
                f"the program imports `{lacking}`, which this Python does not have, so that it "
                "runs in another one",
                place=place,
            )
        found = None if tool else _in_this_python(module)
        return found or _not_found(module, settings, project, path, tool)

    def _lacking_here(self, path: str, project: Project) -> str:
        """A module that the program imports when it starts and that this Python does not have;
        empty if there is none, and for loose files that belong to no repository."""
        if not any(map(_OF_REPOSITORIES.search, names_in(project.root))):
            return ""
        tops = self._reach.imported_at_start(project.package_of(path), project.root)
        return next(
            (
                each
                for each in sorted(tops)
                if not _is_own(each, project) and _in_this_python(each) is None
            ),
            "",
        )

    def _in_the_tree(self, path: str, project: Project, module: str) -> Iterator[tuple[str, str]]:
        """The source roots that contain the module, with its file there; the nearest first."""
        parts = module.split(".")
        folder = os.path.dirname(path)
        by_imports = [("", each) for each in project.searched(path)]
        roots = [*by_imports, ("", import_root(path))]
        while folder != project.root and relative_if_inside(folder, project.root) is not None:
            # Inside the module's own package, with or without an `__init__.py`.
            if os.path.basename(folder) == parts[0]:
                roots.append(("", os.path.dirname(folder)))
            folder = os.path.dirname(folder)
        roots += [("", each) for each in added(path, self._read(path) or "", project.root)]
        for prefix, root in dict.fromkeys([*roots, *project.roots, *project.search]):
            inside = prefix.split(".") if prefix else []
            if parts[: len(inside)] != inside or len(parts) == len(inside):
                continue
            if file := self._find(root, parts[len(inside) :]):
                yield root, file

    def _reaches(self, source: Source, path: str, project: Project, root: str, top: str) -> bool:
        """Whether a file finds the package `top` of a source root."""
        base = import_root(path)
        if source.filename == "-" or root in added(path, source.text, project.root):
            return True
        if self._stands_alone(source, path, project, root, top):
            return False
        by_imports = project.searched(path)
        return (
            root in by_imports
            or (
                not by_imports
                and (
                    not project.files
                    or base == root
                    or project.reaches(base, root)
                    or relative_if_inside(base, os.path.join(root, top)) is not None
                )
            )
            or any(
                _lies_in(root, each)
                for each in _needed_imports(source.text)
                if not find_module(base, [each])
            )
        )

    def _stands_alone(
        self, source: Source, path: str, project: Project, root: str, top: str
    ) -> bool:
        """Whether a script in a source root is in no package, and imports nothing from it without
        which it would not start: started by its path, it finds only what is beside it. Programs
        that import it show nothing if it is a program itself."""
        base = import_root(path)
        return (
            base not in {root, project.root}
            and base == os.path.dirname(path)
            and relative_if_inside(base, root) is not None
            and relative_if_inside(base, os.path.join(root, top)) is None
            and _acts(source.text)
            and not any(find_module(root, [each]) for each in _needed_imports(source.text))
            and not (
                _IS_PROGRAM.search(source.text) is None and self._programs.importing(path, project)
            )
        )

    def _is_beside_a_package(self, source: Source, path: str, project: Project) -> bool:
        """Whether a script at the top of a project that distributes packages is started by its path
        and imports nothing but the standard library."""
        return (
            os.path.dirname(path) == project.root
            and project.is_built
            and _acts(source.text)
            and not _imports(source.text)[0]
            and not self._programs.importing(path, project)
        )

    def _shows(self, source: Source, path: str, project: Project) -> bool:
        """Whether the imports of a script, or of a script beside it that imports it, show that it
        runs where the project is installed."""
        if self._shows_itself(source.text, path, project):
            return True
        folder, name = os.path.split(path)
        stem = re.escape(os.path.splitext(name)[0])
        imported = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t]+{stem}\b")
        try:
            names = sorted(each for each in os.listdir(folder) if each.endswith(".py"))
        except OSError:
            return False
        for each in names[:_MOST_SIBLINGS]:
            text = self._read(os.path.join(folder, each)) if each != name else None
            if text and imported.search(text) and self._shows_itself(text, path, project):
                return True
        return False

    def _where_others_are_needed(
        self, module: str, source: Source, path: str, project: Project
    ) -> Missing | None:
        """Why a program of its own, with nothing of the project, may run in another environment: it
        cannot start without a package that the project does not declare."""
        if not _IS_PROGRAM.search(source.text) or _imports(source.text)[1]:
            return None
        folder = os.path.dirname(path)
        tops = _imported_at_start(source.text)
        if any(_is_own(each, project) or find_module(folder, [each]) for each in tops):
            return None
        known = project.declared.names | project.declared.extra
        for top in tops:
            if not self._bringing(top, known) and not any(brings(each, top) for each in known):
                return Missing(
                    module,
                    f"this program needs `{top}`, which the project does not declare, and may run "
                    "where the project is not installed",
                    place=free_place(folder),
                    of_file=True,
                )
        return None

    def _where_airflow_runs_it(self, module: str, project: Project, path: str) -> Missing | None:
        """Why a file in a folder of DAGs may not find what the project declares: nothing shows that
        Airflow has that. None for other files."""
        known = project.declared.names | project.declared.extra
        is_declared = self._is_declared(module, project.declared)[0]
        if is_declared and any(brings(each, "airflow") for each in known):
            return None
        if not dags_folder(path, project.root):
            return None
        return Missing(
            module,
            "Airflow imports this file with the packages of its scheduler, "
            "which the project does not declare",
            place=free_place(project.package_of(path)),
            of_file=is_declared,
        )

    def _where_the_system_runs_it(self, module: str, project: Project, path: str) -> Missing | None:
        """Why a script for the system's Python, which may lack what the project declares, could no
        longer import a file; None if no such script does."""
        for each in self._programs.importing(path, project):
            text = self._read(each) or ""
            by_system = runs_by_the_systems_python(each, text)
            if by_system and not self._shows_itself(text, each, project):
                return Missing(
                    module,
                    f"whatever Python the system has runs {shown(each)}, which imports this file",
                    place=free_place(project.package_of(path)),
                    of_file=True,
                )
        return None

    def _where_it_is_sent(self, module: str, project: Project, path: str) -> Missing | None:
        """Why a file cannot import declared dependencies at the place to which its package is sent;
        None if the package is not sent."""
        package = project.package_of(path)
        for script, text in self._copying(project.root, path):
            if not installs_lists(text):
                place = free_place(package)
                return Missing(
                    module,
                    f"{shown(script)} copies this file by its name, maybe to where the project is "
                    "not installed",
                    # The copy alone would not be found there, so that no place is named.
                    f"run `atomic-fix --vendor {place}`, and copy {place} there as well",
                )
        if not os.path.isfile(os.path.join(package, "__init__.py")):
            return None
        if package not in self._sending:
            self._sending[package] = sending(package)
        sender, folder = self._sending[package]
        if not sender or relative_if_inside(path, folder) is None:
            return None
        return Missing(
            module,
            f"{shown(sender)} sends this package to where it may not be installed",
            ": a copy is sent along",
            place=free_place(package),
        )

    def _where_it_is_handed_over(self, source: Source, module: str) -> Missing | None:
        """Why a program of its own that another module names by its path may run alone on another
        machine; None for other files."""
        if source.filename == "-" or _IS_PROGRAM.search(source.text) is None:
            return None
        path = os.path.abspath(source.filename)
        project = self._projects.of(path)
        if _imports(source.text)[1] or _imports_own(source.text, path, project):
            return None
        for file, text, names in self._modules_that_hand_over(project.root):
            if (
                file != path
                and names_file(names, text, path, project.root)
                and not self._programs.reaches(file, path, project)
            ):
                return Missing(
                    module,
                    f"{shown(file)} hands this program over by its path, maybe to where it runs "
                    "alone",
                )
        return None

    def _copying(self, root: str, path: str) -> Iterator[tuple[str, str]]:
        """The scripts of a tree that copy a file by its name, with their text."""
        for script, text, copied in self._scripts_that_copy(root):
            if script != path and names_file(copied, text, path, root):
                yield script, text

    def _why_left_behind(
        self, module: str, file: str, path: str, project: Project
    ) -> Missing | None:
        """Why a helper of the project is not copied along with a file of it; None if it is."""
        if image := self._reach.left_behind(project, path, file):
            return Missing(
                module,
                f"{image} copies this file by its name, and not {shown(file)}",
                f"copy {shown(file)} there as well",
            )
        for script, text in self._copying(project.root, path):
            if os.path.basename(file) not in text:
                return Missing(
                    module,
                    f"{shown(script)} copies this file by its name, and not {shown(file)}",
                    f"copy {shown(file)} there as well",
                )
        folder, own = os.path.split(path)
        copy = os.path.basename(file)
        for each in self._packagings(project.root) if folder == os.path.dirname(file) else ():
            text = self._read(each.file) or ""
            by_name = rf"(?m)^[^\n#]*\b(?:install|cp|FILES|PROGRAMS)\b[^\n&|;]*\b{re.escape(own)}\b"
            if re.search(by_name, text) and copy not in text and "*.py" not in text:
                return Missing(
                    module,
                    f"{shown(each.file)} installs this file by its name, and not {shown(file)}",
                    f"add {shown(file)} there as well",
                )
        if top := project.leaves_behind(path, file):
            return Missing(
                module,
                f"the distribution of the project has the package of this file, and not `{top}`",
                place=free_place(project.package_of(path)),
            )
        stem = os.path.splitext(os.path.basename(path))[0]
        folder = os.path.dirname(path)
        if project.modules and "." not in module and module not in project.modules:
            packaged = stem in project.modules and any(r == folder for _, r in project.roots)
            if packaged or (
                project.undistributed_package(path) == "" and (import_root(path) != folder)
            ):
                return Missing(
                    module,
                    f"the distribution of the project has the modules that `py_modules` lists, "
                    f"and `{module}` is not one of them",
                    f"add `{module}` to `py_modules`",
                )
        return None

    def _where_a_list_lacks_it(self, module: str, project: Project, path: str) -> Missing | None:
        """Why a program that has only what a list of its own names lacks a declared dependency."""
        for each in self._packagings(project.root):
            if each.alone and not each.has_ours and module.partition(".")[0] == _OURS:
                return Missing(
                    module,
                    f"{shown(each.file)} lists all that the program has, and not atomic-fix",
                    ", or add it there",
                    place=free_place(project.package_of(path)),
                )
        return None

    def _remark_on_lists(self, project: Project) -> str:
        """A remark on other packages of the program that do not name the helper."""
        files = [
            shown(each.file)
            for each in self._packagings(project.root)
            if each.as_well and not each.has_ours
        ]
        if not files:
            return ""
        return (
            f"{files[0]} lists what the program needs as well, and does not name atomic-fix: where "
            "it is installed from that, repaired code does not start"
        )

    def _why_without_its_package(
        self, source: Source, module: str, root: str, path: str, project: Project
    ) -> Missing | None:
        """Why a file outside of the package that has the helper cannot import that package, and
        what its `__init__.py` imports; None if it can."""
        packages = module.split(".")[:-1]
        if source.filename == "-" or project.is_built:
            return None
        # The first package that is not around the file.
        outer = root
        while packages and relative_if_inside(path, top := os.path.join(outer, packages[0])):
            outer = top
            packages = packages[1:]
        if not packages or not needs_others(os.path.join(outer, *packages), outer):
            return None
        top = os.path.join(outer, packages[0])
        name = os.path.relpath(top, root).replace(os.sep, ".")
        if any(f"{each}.".startswith(f"{name}.") for each in names_imported(source.text)):
            return None
        program, is_known = self._programs.without(path, top, project)
        if program:
            who = "this program" if program == path else f"{shown(program)}, which runs it,"
            reason = f"`{name}` imports other modules, and {who} does not import that package"
        elif is_known or self._is_imported_beside(name, path):
            return None
        else:
            reason = (
                f"`{name}` imports other modules, and nothing shows that this file runs "
                "where those are"
            )
        return Missing(module, reason, place=free_place(project.package_of(path)), of_file=True)

    def _where_the_root_is_not(
        self, source: Source, module: str, root: str, file: str, project: Project
    ) -> Missing | None:
        """Why a program may run a file without the source root that has the helper: it is started
        by its path, or imported under a shorter name. None if an installation provides the helper,
        or nothing shows that."""
        path = os.path.abspath(source.filename)
        folder = os.path.dirname(path)
        if source.filename == "-":
            return None
        if longer := self._names.longer(root, project.root):
            return Missing(
                module,
                f"{shown(longer)} imports what is in this folder as "
                f"`{os.path.basename(root)}.…`, which does not lead to {shown(file)}",
            )
        if self._find(folder, module.split(".")) == file:
            return None
        importer, name = self._names.shorter(path, root, project.root)
        if importer:
            return Missing(
                module,
                f"{shown(importer)} imports this file as `{name}`, which does not lead to "
                f"{shown(file)}",
            )
        is_provided = any(is_below(file, each) for each in project.provides)
        if is_provided and self._reach.may_be_installed(project.root):
            return None
        imports_own = any(
            _lies_in(root, each)
            for each in _needed_imports(source.text)
            if not find_module(folder, [each])
        )
        as_module = ".".join(os.path.relpath(os.path.splitext(path)[0], root).split(os.sep))
        if (
            imports_own
            or folder == root
            or last_change(source.text)
            or self._reach.is_started_as_module(as_module, project.root)
        ):
            return None
        if _IS_PROGRAM.search(source.text) is not None and not _imports(source.text)[1]:
            return Missing(
                module,
                f"this program imports nothing of its project, and does not find {shown(file)} "
                "when it is started by its path",
            )
        if self._names.is_never_in_full(path, root, project.root):
            return Missing(
                module,
                f"nothing imports this file as `{as_module}`, which would show that it finds "
                f"{shown(file)}",
            )
        return None

    def _why_renamed(
        self, source: Source, module: str, root: str, file: str, project: Project
    ) -> Missing | None:
        """Why a file cannot import a copy by the name that the folders show: that of the checkout
        may differ, and some programs load a package under another name. None if other imports show
        that name."""
        top, _, rest = module.partition(".")
        if not rest or source.filename == "-":
            return None
        path = os.path.abspath(source.filename)
        imported = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t]+{re.escape(top)}\b")
        host, folder = self._apart.renaming_host(path, project)
        is_checkout = relative_if_inside(root, project.root) is None
        is_of_host = bool(host) and relative_if_inside(file, folder) is not None
        if not (is_checkout or is_of_host) or imported.search(source.text):
            return None
        if any(imported.search(text) for text in neighbours(os.path.dirname(path)).values()):
            return None
        if is_of_host:
            return Missing(module, f"{host} may load this package under another name than `{top}`")
        return Missing(
            module, f"the package `{top}` has the name of the checkout, which may be another"
        )

    def _is_imported_beside(self, top: str, path: str) -> bool:
        """Whether a module beside a file, or of its package, imports a package."""
        statement = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t]+{re.escape(top)}\b")
        folder = import_root(path)
        inside = os.path.relpath(path, folder).split(os.sep)
        beside = neighbours(folder if len(inside) < 2 else os.path.join(folder, inside[0]))
        return any(statement.search(text) for text in beside.values())

    def _where_it_does_not_reach(self, module: str, project: Project, path: str) -> Missing | None:
        """Why a file cannot import declared dependencies where the program runs; None if it can."""
        top = module.partition(".")[0]
        known = (project.declared.names, project.declared.extra)
        names = [name for each in known if (name := self._bringing(top, each))]
        reason = self._reach.why_not(project, path, names)
        here = "" if reason else self._reach.why_not_here(project, path, names)
        if not (reason or here):
            return None
        place = free_place(project.package_of(path))
        return Missing(
            module,
            reason or here,
            ": a copy comes with it",
            place=place,
            of_file=bool(here),
        )

    def _is_left_out(self, path: str, project: Project) -> bool:
        """Whether a file belongs to a package that is not distributed and is imported only by
        scripts beside it, none of which needs installed packages."""
        folder = project.undistributed_package(path)
        if not folder:
            return False
        if folder not in self._left_out:
            self._left_out[folder] = not self._runs_installed(folder, project)
        return self._left_out[folder]

    def _runs_installed(self, folder: str, project: Project) -> bool:
        """Whether a package that is not distributed, or a program that imports it, imports
        installed packages at start; or whether the project imports it."""
        root, top = os.path.split(folder)
        imported = re.compile(rf"(?m)^[ \t]*(?:from|import)[ \t]+{re.escape(top)}\b")
        known = project.declared.names | project.declared.extra
        has = project.distribution.has if project.distribution is not None else bool
        for number, (file, text) in enumerate(modules_below(root, _MOST_READ + 1)):
            if number >= _MOST_READ:
                return True
            here = os.path.relpath(file, root).split(os.sep)
            imports_it = imported.search(text)
            if len(here) > 1 and here[0] != top:
                if imports_it and has(here[0]):
                    return True
            elif imports_it or here[0] == top:
                for each in _imported_at_start(text):
                    is_own = each != top and _lies_in(root, each) and has(each)
                    if is_own or (not _lies_in(root, each) and self._bringing(each, known)):
                        return True
        return False

    def _shows_itself(self, text: str, path: str, project: Project) -> bool:
        tops, is_part = _imports(text)
        if is_part and not project.is_among_scripts(path):
            return True
        folder = os.path.dirname(path)
        known = project.declared.names | project.declared.extra
        optional = optional_imports(text)
        by_itself = added(path, text, project.root)
        for top in tops:
            if find_module(folder, [top]):
                continue  # the folder of a script is always on the path
            if any(_lies_in(each, top) for each in by_itself):
                continue  # it finds the sources where nothing is installed
            if _is_own(top, project):
                return True
            if top in optional:
                continue  # it starts without that
            if self._bringing(top, known) and not _is_of_tools(path, project):
                return True
        return False

    def _is_declared(self, module: str, what: Dependencies) -> tuple[bool, str]:
        """Whether a declared distribution provides a module, with a remark if needed."""
        top = module.partition(".")[0]
        if self._bringing(top, what.names):
            return True, ""
        if name := self._bringing(top, what.extra):
            return True, (
                f"`{name}` is declared only as an extra, for a group or for development: where "
                "that is not installed, repaired code does not start"
            )
        return False, ""

    def _bringing(self, top: str, names: AbstractSet[str]) -> str:
        """The distribution that provides a module: the one of the same name, or one that does so in
        this Python. Empty if there is none."""
        if normalised(top) in names or not names:
            return normalised(top) if names else ""
        if self._distributions is None:
            from importlib.metadata import packages_distributions

            self._distributions = packages_distributions()
        known = map(normalised, self._distributions.get(top, ()))
        return next((each for each in known if each in names), "")


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that a module defines; `*` if unknown, None if it cannot be parsed."""

    path: str
    names: frozenset[str] | None

    def has(self, name: str) -> bool:
        return self.names is not None and bool(self.names & {name, "*"})

    @classmethod
    def of(cls, path: str, read: _Read) -> _Names:
        text = read(path) if path.endswith(".py") else None
        if text is None:
            return cls(path, frozenset({"*"}))
        tree = dependencies.parsed(text)
        if tree is None:
            return cls(path, None)
        names = set(_bound(tree.body))
        folder, file = os.path.split(path)
        if file == "__init__.py":
            names.update(os.path.splitext(each)[0] for each in os.listdir(folder))
        return cls(path, frozenset(names))


_Answer: TypeAlias = Found | Missing | _Names


def with_import_notes(
    results: Iterable[FileResult],
    imports: HelperImports,
    source_of: Callable[[str], Source | None],
    *,
    briefly: bool = False,
) -> tuple[FileResult, ...]:
    """The results, with a note on each repair whose import the file does not have; `briefly`: only
    the first note gives the reason, for readers of the whole report."""
    results = tuple(results)
    lacking: dict[str, Missing] = {}
    of_finding: dict[Finding, Missing] = {}
    for finding in (each for result in results for each in result.findings):
        source = source_of(finding.filename) if finding.fix is not None else None
        imports.use_own_of(finding)
        missing = imports.missing(source, finding) if source is not None else None
        if missing is not None:
            of_finding[finding] = missing
            lacking.setdefault(finding.filename, missing)
    planned = imports.plan(lacking)
    for finding, missing in of_finding.items():
        if missing == lacking[finding.filename]:
            of_finding[finding] = planned[finding.filename]
    said: dict[tuple[str, str], str] | None = {} if briefly else None
    return tuple(
        replace(
            result,
            findings=_held_up(
                tuple(
                    _with_import_note(each, of_finding[each], said) if each in of_finding else each
                    for each in result.findings
                )
            ),
        )
        if any(each in of_finding for each in result.findings)
        else result
        for result in results
    )


def _held_up(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings of a file, with a note on the repairs that --write leaves out because of others
    that have to wait: it repairs a file as a whole or not at all."""
    waiting = {each.fix.applicability for each in findings if each.fix and each.fix.waits}
    held = {Applicability.UNSAFE} if waiting else set()
    held |= {Applicability.SAFE} & waiting
    if not held:
        return findings
    return tuple(
        replace(each, fix=_noted(_waiting(each.fix), _HELD_UP))
        if each.fix and not each.fix.waits and each.fix.applicability in held
        else each
        for each in findings
    )


_HELD_UP = "--write changes nothing in this file until all its repairs can be made"


def _waiting(fix: Fix) -> Fix:
    other = fix.alternative
    return replace(fix, waits=True, alternative=other and replace(other, waits=True))


def _noted(fix: Fix, remark: str) -> Fix:
    return replace(fix, note="; ".join(each for each in (fix.note, remark) if each))


def _with_import_note(
    finding: Finding, missing: Missing, said: dict[tuple[str, str], str] | None
) -> Finding:
    fix = finding.fix
    assert fix is not None
    remark = f"not applied by --write: {missing.message}"
    if missing.advice:
        remark += f"; {missing.advice}"
    if missing.is_setup:
        fix = _waiting(fix)
    else:
        fix = replace(fix, applicability=Applicability.DISPLAY)
    if said is not None:
        key = (missing.module, missing.reason + missing.advice)
        if key in said:
            remark = f"not applied by --write, for the reason given at {said[key]}"
        row = finding.span.start.row
        name = relative_if_inside(finding.filename, ".") or finding.filename
        said.setdefault(key, f"{name}:{row}" if finding.cells is None else name)
    return replace(finding, fix=_noted(fix, remark))


def _is_around(place: str, files: Iterable[str]) -> bool:
    """Whether all files are in or below the folder of a place."""
    folder = os.path.dirname(os.path.abspath(place))
    return all(is_below(os.path.abspath(each), folder) for each in files)


def _common_folder(files: Iterable[str]) -> str:
    return os.path.commonpath([os.path.dirname(os.path.abspath(each)) for each in files])


def is_in_package(place: str) -> bool:
    """Whether a module at a place would be in a package."""
    return os.path.isfile(os.path.join(os.path.dirname(place), "__init__.py"))


def imported_names(fix: Fix | None, module: str) -> tuple[str, ...]:
    """The names that a repair imports from a module."""
    if fix is None:
        return ()
    names = (name for edit in fix.edits for name, _ in _imported_from(module, edit.text))
    return tuple(dict.fromkeys(names))


def _is_replace(edit: Edit) -> bool:
    """Whether an edit adds a call of `os.replace`, or changes `os.rename` to it."""
    return edit.text == "replace" or re.search(r"\bos\.replace\b", edit.text) is not None


def _imported_from(module: str, text: str) -> Iterator[tuple[str, str]]:
    """The names that a text imports from a module, with their local names."""
    statement = rf"(?m)^[ \t]*from {re.escape(module)} import (?:\(([^)]*)\)|([^\n#(]*))"
    for several, row in re.findall(statement, text.replace("\\\n", " ")):
        for each in re.sub(r"#.*", "", several or row).split(","):
            if words := each.split():
                yield words[0], words[-1]


def _module_of(settings: Settings) -> str:
    own = own_helper(settings.config.helper)
    return own.module if own is not None else settings.config.helper


# --- this Python ------------------------------------------------------------------------


def _tool_that_owns_this_python() -> str:
    """The program that created this Python's environment for atomic-fix alone; empty if the checked
    program may run in it."""
    if os.environ.get("PRE_COMMIT"):
        return "pre-commit"
    for name, tool in (("pipx_metadata.json", "pipx"), ("uv-receipt.toml", "uv")):
        if os.path.isfile(os.path.join(sys.prefix, name)):
            return tool
    return ""


def _in_this_python(module: str) -> _Names | Found | None:
    """The module as this Python would find it, without importing the packages around it."""
    if module == f"{_OURS}.runtime":
        return Found()
    parts = module.split(".")
    path: Sequence[str] | None = None
    spec = None
    finders: list[Any] = [*sys.meta_path, PathFinder]
    for number, _ in enumerate(parts, 1):
        spec = None
        for finder in finders:
            try:
                spec = finder.find_spec(".".join(parts[:number]), path)
            except Exception:
                continue  # a finder of some package raised; other finders may work
            if spec is not None:
                break
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and number < len(parts):
            return None
    origin = spec.origin if spec is not None else None
    return _Names.of(origin, text_of) if origin and os.path.isfile(origin) else Found()


def _is_nowhere_in_ours(module: str) -> bool:
    """Whether the name is that of a nonexistent module of atomic_fix."""
    return module.partition(".")[0] == _OURS and _in_this_python(module) is None


# --- messages ---------------------------------------------------------------------------


def _not_found(
    module: str, settings: Settings, project: Project, path: str, tool: str = ""
) -> Missing:
    setting = shown(settings.origin) if settings.origin else "the settings"
    if tool:
        place = free_place(project.package_of(path))
        reason = f"what {tool} has installed is not there when the program runs"
        return Missing(module, reason, place=place)
    if own_helper(settings.config.helper) is not None:
        return Missing(module, f"helper `{settings.config.helper}` cannot be found",
                       f"correct `helper` in {setting}")  # fmt: skip
    if module != f"{_OURS}.runtime":
        advice = f"correct `helper` in {setting}"
        for root in (*project.searched(path), *(root for _, root in project.roots)):
            place = os.path.join(root, *module.split("."))
            if os.path.isdir(os.path.dirname(place)) and not os.path.lexists(f"{place}.py"):
                advice += f", or run `atomic-fix --vendor {shown(place)}.py`"
                break
        else:
            top = os.path.dirname(os.path.abspath(settings.origin)) if settings.origin else ""
            if other := _elsewhere(module, project.root) or (top and _elsewhere(module, top)):
                reason = f"this file does not find {shown(other)} under the name of the helper"
                place = free_place(project.package_of(path))
                return Missing(module, reason, place=place, of_file=True)
        return Missing(module, f"helper `{module}` cannot be found", advice)
    files = project.files
    named = shown(os.path.join(project.root, files[0]))
    named += " and the files beside it declare" if len(files) > 1 else " declares"
    return Missing(
        module,
        f"{named} no dependency on atomic-fix",
        ", or declare that dependency",
        place=free_place(project.package_of(path)),
    )


def _elsewhere(module: str, root: str) -> str:
    """The copy of the helper that other files of a tree find; empty if there is none."""
    *packages, name = module.split(".")
    end = os.path.join(os.sep, *packages, f"{name}.py")
    for number, (folder, folders, names) in enumerate(os.walk(root)):
        if number >= _MOST_READ:
            break
        folders[:] = sorted(each for each in folders if each.isidentifier())
        path = os.path.join(folder, f"{name}.py")
        if f"{name}.py" in names and path.endswith(end) and is_copy(path):
            return path
    return ""


def _for_its_pythons(
    found: _Answer, module: str, settings: Settings, project: Project, filename: str
) -> _Answer:
    """The answer for a file whose project supports Python versions on which the helper may not
    run."""
    if project.python is None or own_helper(settings.config.helper) is not None:
        return found
    if isinstance(found, Missing) and not found.advice:
        return found
    low = project.python.lowest
    of_copy, of_package = _dotted(FIRST_OF_COPIES), _dotted(FIRST_OF_PACKAGE)
    is_ours = module.partition(".")[0] == _OURS
    if isinstance(found, _Names):
        # A helper that the project has written itself may run on older versions.
        is_too_old = low < FIRST_OF_COPIES and not _parses(found.path, low)
    else:
        is_too_old = is_ours and low < FIRST_OF_COPIES
    if is_too_old:
        return Missing(
            module,
            f"{project.python}, on which the helper does not run (it needs {of_copy})",
            "raise that version, or use --assume-helper to repair anyway",
        )
    if is_ours and low < FIRST_OF_PACKAGE and not isinstance(found, _Names):
        place = free_place(project.package_of(os.path.abspath(filename)))
        return Missing(
            module,
            f"{project.python}, for which there is no atomic-fix (it needs {of_package})",
            f": a copy runs on {of_copy} and later",
            place=place,
        )
    return found


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def _parses(path: str, version: tuple[int, ...]) -> bool:
    """Whether Python of that version can parse a module, as far as this Python can tell."""
    text = text_of(path) if path.endswith(".py") else None
    if text is None:
        return True
    try:
        ast.parse(text, feature_version=(version[0], version[1]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


# --- what a module imports and binds ----------------------------------------------------


def _lies_in(root: str, top: str) -> bool:
    """Whether a top-level name is a module or package of a source root."""
    return bool(find_module(root, [top])) or os.path.isdir(os.path.join(root, top))


def _is_own(top: str, project: Project) -> bool:
    return any(_lies_in(root, top) for _, root in project.roots)


def _acts(text: str) -> bool:
    """Whether running a module does something, rather than defining what others use."""
    tree = dependencies.parsed(text)
    return _IS_PROGRAM.search(text) is not None or any(
        isinstance(each, (ast.For, ast.While, ast.With))
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Call))
        for each in (tree.body if tree is not None else ())
    )


def _is_of_tools(path: str, project: Project) -> bool:
    """Whether a file is in a folder of tools for developers: such a script may have an environment
    of its own, with some of the packages that the project needs."""
    folder = relative_if_inside(os.path.dirname(path), project.root)
    return bool(folder and folder_of_scripts(folder)) and has_project_file(project.root)


def _imports_own(text: str, path: str, project: Project) -> bool:
    """Whether a script imports a package of the project, not counting optional imports."""
    folder = os.path.dirname(path)
    return any(
        _is_own(each, project) and not find_module(folder, [each]) for each in _imports(text)[0]
    )


def _imports_above(text: str, top: str, row: int) -> bool:
    """Whether a module always imports a package above a row."""
    tree = dependencies.parsed(text)
    return any(
        isinstance(node, (ast.Import, ast.ImportFrom))
        and node.lineno < row
        and top in {x.partition(".")[0] for x in (getattr(node, "module", None) or "",
                                                  *(alias.name for alias in node.names))}
        for node in (tree.body if tree is not None else ())
    )  # fmt: skip


def _imports(text: str) -> tuple[list[str], bool]:
    """The top-level names of third-party modules that a source imports, and whether it imports from
    its own package."""
    tree = dependencies.parsed(text)
    found: dict[str, None] = {}
    is_part = False
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            found.update((alias.name.partition(".")[0], None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            is_part |= node.level > 0
            if node.module and not node.level:
                found[node.module.partition(".")[0]] = None
    return [each for each in found if each not in sys.stdlib_module_names], is_part


def _needed_imports(text: str) -> list[str]:
    """The top-level names of the third-party modules without which a source does not go on."""
    optional = optional_imports(text)
    return [each for each in _imports(text)[0] if each not in optional]


def _imported_at_start(text: str) -> list[str]:
    """The top-level names that a module always imports when it runs."""
    tree = dependencies.parsed(text)
    names = []
    for node in tree.body if tree is not None else ():
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    tops = (each.partition(".")[0] for each in names)
    return [each for each in tops if each not in sys.stdlib_module_names]


def _leads_back(file: str, path: str, root: str, read: _Read) -> bool:
    """Whether a module of a source root imports a file, directly or indirectly, when it is itself
    imported. Names of the module may not exist yet when the file runs."""
    waiting = [file]
    folder = os.path.dirname(file)
    while folder != root and relative_if_inside(path, folder) is None:
        waiting.append(os.path.join(folder, "__init__.py"))
        folder = os.path.dirname(folder)
    seen = {*waiting}
    while waiting and len(seen) < _MOST_FILES:
        here = waiting.pop()
        tree = dependencies.parsed(read(here) or "")
        for each in run_imports(tree.body if tree is not None else (), here, root):
            if each == path:
                return True
            # The packages around the file are already being imported.
            is_around = os.path.basename(each) == "__init__.py" and relative_if_inside(
                path, os.path.dirname(each)
            )
            if each not in seen and not is_around:
                seen.add(each)
                waiting.append(each)
    return False


def _bound(body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind; `*` if they may bind any."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield "*" if node.name == "__getattr__" else node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        else:
            for child in ast.walk(node) if not hasattr(node, "body") else ():
                if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                    yield child.id
            for name in ("body", "orelse", "handlers", "finalbody"):
                yield from _bound(getattr(node, name, ()))
