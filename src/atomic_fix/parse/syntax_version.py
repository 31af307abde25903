"""Finds the Python version that a text needs, if the running one cannot parse it."""

from __future__ import annotations

import libcst as cst

from atomic_fix.parse import NotParsed, concrete


def needed_version(text: str) -> tuple[tuple[int, int], str] | None:
    """The oldest Python with all syntax of a text, and a name for the feature that it introduced;
    None if LibCST, which knows all grammars, cannot parse the text either, or if it has no syntax
    newer than Python 3.10."""
    try:
        module = concrete.parse(text)
    except (cst.ParserSyntaxError, NotParsed, RecursionError):
        return None
    found = _Newest(module)
    module.visit(found)
    return (found.version, found.name) if found.name else None


class _Newest(cst.CSTVisitor):
    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.version = (3, 10)
        self.name = ""
        self._module = module
        self._quotes: list[str] = []
        """Those of the formatted strings that are open."""

    def _needs(self, minor: int, name: str) -> None:
        if (3, minor) > self.version:
            self.version, self.name = (3, minor), name

    def visit_TryStar(self, node: cst.TryStar) -> None:
        self._needs(11, "`except*`")

    def visit_Index(self, node: cst.Index) -> None:
        if node.star is not None:
            self._needs(11, "`*` in an index")

    def visit_TypeAlias(self, node: cst.TypeAlias) -> None:
        self._needs(12, "a `type` statement")

    def visit_TypeParameters(self, node: cst.TypeParameters) -> None:
        self._needs(12, "a list of type parameters")

    def visit_TypeParam(self, node: cst.TypeParam) -> None:
        if node.default is not None:
            self._needs(13, "a default of a type parameter")

    def visit_TemplatedString(self, node: cst.TemplatedString) -> None:
        self._needs(14, "a template string")

    def visit_FormattedString(self, node: cst.FormattedString) -> None:
        self._quotes.append(node.end)

    def leave_FormattedString(self, original_node: cst.FormattedString) -> None:
        self._quotes.pop()

    def visit_FormattedStringExpression(self, node: cst.FormattedStringExpression) -> None:
        code = "".join(
            self._module.code_for_node(part)
            for part in (
                node.whitespace_before_expression,
                node.expression,
                node.whitespace_after_expression,
            )
        )
        quotes = self._quotes[-1:]
        if any(each in code or (len(each) == 1 and "\n" in code) for each in quotes):
            self._needs(12, "a formatted string that reuses its quotes")
        elif quotes and ("\\" in code or "#" in code):
            self._needs(12, "a formatted string with a backslash or `#` in an expression")
