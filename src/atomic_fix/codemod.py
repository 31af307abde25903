"""The fixes as a LibCST codemod:
`python -m libcst.tool codemod -x atomic_fix.codemod.AtomicFixCommand PATH...`.

It makes the same edits as `atomic-fix --write`, and obeys the same comments. LibCST writes the
files itself, and not atomically.
"""

import argparse

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from atomic_fix.rewrite import SAFE_AND_UNSAFE, SAFE_ONLY
from atomic_fix.run.fix_policy import Apply
from atomic_fix.run.helper_import import HelperImports
from atomic_fix.run.one_file import change_file
from atomic_fix.run.report_filter import ReportFilter
from atomic_fix.settings import ConfigError, Resolver


class AtomicFixCommand(CodemodCommand):
    """Make writes of durable state atomic, and make loaders report corrupt files."""

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
        policy = Apply(self._allowed, HelperImports(resolver))
        new = change_file(tree.bytes, filename, settings, ReportFilter(), policy)
        if new.missing is not None and new.missing.is_setup:
            raise SkipFile(f"{new.missing.message}; {new.missing.advice}")
        if new.refusal:
            raise SkipFile(new.refusal)
        if new.result.problem is not None:
            raise SkipFile(new.result.problem.reason)
        return tree if new.after == new.before else cst.parse_module(new.after)
