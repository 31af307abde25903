"""The fixes as a LibCST codemod:
`python -m libcst.tool codemod -x atomic_fix.codemod.AtomicFixCommand PATH...`.

It makes the same edits as `atomic-fix --write`, and obeys the same comments. What LibCST
writes to disk, and how, is LibCST's own affair: it is not written atomically.
"""

import argparse

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY, Rewrite, rewrite
from atomic_fix.run.helper_import import Guard, HelperImports
from atomic_fix.run.narrowing import Narrowing
from atomic_fix.run.one_file import Find, change_bytes
from atomic_fix.settings import ConfigError, Resolver
from atomic_fix.source import Source


class AtomicFixCommand(CodemodCommand):
    """Make writes of durable state atomic, and loaders tell a corrupt file from a missing one."""

    DESCRIPTION = __doc__ or ""

    def __init__(self, context: CodemodContext, unsafe_fixes: bool = False) -> None:
        super().__init__(context)
        self._allowed = SAFE_AND_UNSAFE if unsafe_fixes else SAFE_ONLY

    @staticmethod
    def add_args(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--unsafe-fixes",
            action="store_true",
            help="apply the fixes that a person should read as well",
        )

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """The module with its fixes applied.

        Raises:
            SkipFile: the file is left alone, for the reason given.
        """
        filename = self.context.filename or "-"
        resolver = Resolver({})
        try:
            settings = resolver.for_file(filename)
        except ConfigError as error:
            raise SkipFile(str(error)) from error
        missing = None

        def change(source: Source, find: Find) -> Rewrite:
            nonlocal missing
            guarded = Guard(HelperImports(resolver), find, self._allowed)
            new = rewrite(source, guarded, self._allowed)
            missing = guarded.missing
            return new

        new = change_bytes(tree.bytes, filename, settings, Narrowing(), change)
        if missing is not None:
            raise SkipFile(f"{missing.told}; {missing.advice}")
        if new.refusal:
            raise SkipFile(new.refusal)
        if not new.result.analysed:
            raise SkipFile(new.result.findings[0].message)
        return tree if new.after == new.before else cst.parse_module(new.after)
