"""Jinja as dbt sets it up, in a sandbox: macros shared over files, lines kept, names checked."""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.parser import Parser
from jinja2.sandbox import SandboxedEnvironment

from varhouse.errors import ProjectError, VarhouseError
from varhouse.runner.nodes import Location, suggest
from varhouse.runner.sourcemap import MappedSql, Segment
from varhouse.runner.template_cache import Compiled, TemplateCache

MACRO_PREFIX = "varhouse_macro__"
_MARK = re.compile("\ue000(\\d+)([ce])\ue001")
_EXTENSIONS = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]
_JINJA_GLOBALS = ("range", "dict", "namespace", "cycler", "joiner")
_CONTEXT = (
    "ref", "source", "var", "config", "is_incremental", "env_var", "target", "this", "doc",
    "exceptions", "return", "log",
)  # fmt: skip
_REFUSED = {
    "adapter": "Models here do not inspect the database while they render.",
    "run_query": "Models here do not query the database while they render.",
    "statement": "Models here do not query the database while they render.",
    "execute": "Rendering happens once, without a database; leave the test of `execute` out.",
    "dbt_utils": "dbt packages are not available; write the macro in sql/macros.",
    "dbt": "dbt's cross-database macros are not available; write the SQL.",
    "graph": "The graph is not visible to models.",
    "modules": "Python modules are not visible to models.",
    "run_started_at": "A model that holds the time of its run would never be unchanged.",
    "invocation_id": "A model that holds the id of its run would never be unchanged.",
}


class TemplateFault(Exception):
    """Something wrong found while a template renders; its place is added by the renderer."""


class MacroReturn(Exception):
    """Carries the value of ``return`` out of a macro, as in dbt."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class _PrefixingParser(Parser):
    """Names macros apart, so that calls between macros pass through our wrapper (as dbt does)."""

    def parse_macro(self) -> nodes.Macro:
        node = super().parse_macro()
        node.name = MACRO_PREFIX + node.name
        return node


class _NotingGenerator(CodeGenerator):
    """Notes the names that a template takes from outside while it writes the template's code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outside: set[str] = set()

    def enter_frame(self, frame: Frame) -> None:
        """Note what the frame looks up by name in the context."""
        super().enter_frame(frame)
        self.outside |= {
            name
            for action, name in frame.symbols.loads.values()
            if action == "resolve" and name is not None
        }


class _NotingNativeGenerator(NativeCodeGenerator, _NotingGenerator):
    """The same for templates that keep the types of their values."""


class _Environment(SandboxedEnvironment):
    generator: type[_NotingGenerator] = _NotingGenerator

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return _PrefixingParser(self, source, name, filename).parse()


class _NativeText(Template):
    """Renders yml text as dbt: one expression keeps its type, text stays text."""

    def render(self, *args: Any, **kwargs: Any) -> Any:
        parts = list(self.root_render_func(self.new_context(dict(*args, **kwargs))))
        return parts[0] if len(parts) == 1 else "".join(str(part) for part in parts)


class _NativeEnvironment(_Environment):
    generator = _NotingNativeGenerator
    template_class = _NativeText


def _environment(native: bool) -> _Environment:
    made = (_NativeEnvironment if native else _Environment)(
        undefined=StrictUndefined, extensions=_EXTENSIONS, autoescape=False
    )
    made.globals = {name: made.globals[name] for name in _JINJA_GLOBALS}
    return made


ENVIRONMENT = _environment(native=False)
_NATIVE = _environment(native=True)


@dataclass(frozen=True)
class Macro:
    """A macro of ``sql/macros``: its name, its file's template and where it stands."""

    name: str
    template: Template
    location: Location


@contextmanager
def _syntax_errors_of(path: str) -> Iterator[None]:
    try:
        yield
    except TemplateSyntaxError as error:
        where = Location(path, error.lineno)
        raise ProjectError(f"{where}: not a Jinja template: {error.message}") from error


def _parse(text: str, path: str) -> nodes.Template:
    with _syntax_errors_of(path):
        return ENVIRONMENT.parse(text, path, path)


def check_names(compiled: Compiled, text: str, path: str, macros: Collection[str]) -> None:
    """Refuse a name that is neither in dbt's subset nor a macro of the project."""
    known = {*_CONTEXT, *_JINJA_GLOBALS, *macros}
    for name in sorted(compiled.names - known):
        tree = _parse(text, path)
        places = (each.lineno for each in tree.find_all(nodes.Name) if each.name == name)
        reason = _REFUSED.get(name) or (
            "It is neither a macro of sql/macros nor a part of the supported dbt subset."
            + suggest(name, known)
        )
        raise ProjectError(f"{path}:{next(places, 1)}: '{name}' is not available. {reason}")


def _compile(
    environment: _Environment,
    tree: nodes.Template,
    path: str | None,
    macros: Sequence[nodes.Macro] = (),
) -> Compiled:
    """Write the template's Python code once: it also tells which names come from outside."""
    written = StringIO()
    generator = environment.generator(environment, path, path, written)
    generator.visit(tree)
    code = compile(written.getvalue(), path or "<template>", "exec")
    named = tuple((macro.name.removeprefix(MACRO_PREFIX), macro.lineno) for macro in macros)
    return Compiled(code, frozenset(generator.outside), named)


def _template(environment: _Environment, compiled: Compiled) -> Template:
    return environment.template_class.from_code(
        environment, compiled.code, environment.make_globals(None), None
    )


def _compile_file(tree: nodes.Template, path: str, macros: Sequence[nodes.Macro] = ()) -> Compiled:
    with _syntax_errors_of(path):
        return _compile(ENVIRONMENT, tree, path, macros)


def parse_macro_file(text: str, path: str, cache: TemplateCache) -> tuple[list[Macro], Compiled]:
    """Return the macros that a file defines, and its code for checking names later."""
    compiled = cache.compiled("macros", text, path, lambda: _compile_macros(text, path))
    template = _template(ENVIRONMENT, compiled)
    found = [Macro(name, template, Location(path, line)) for name, line in compiled.macros]
    return found, compiled


def _compile_macros(text: str, path: str) -> Compiled:
    tree = _parse(text, path)
    found: list[nodes.Macro] = []
    for node in tree.body:
        if isinstance(node, nodes.Macro):
            found.append(node)
        elif not (isinstance(node, nodes.Output) and _only_space(node)):
            raise ProjectError(
                f"{path}:{node.lineno}: a macro file holds only macros and comments; "
                f"found {type(node).__name__.lower()}. (Generic tests and hooks are not supported.)"
            )
    return _compile_file(tree, path, found)


def _only_space(node: nodes.Output) -> bool:
    return all(
        isinstance(item, nodes.TemplateData) and not item.data.strip() for item in node.nodes
    )


def parse_model(text: str, path: str, macros: Collection[str], cache: TemplateCache) -> Template:
    """Compile a model's template so that its output tells the line of each part."""
    compiled = cache.compiled("model", text, path, lambda: _compile_model(text, path))
    check_names(compiled, text, path, macros)
    return _template(ENVIRONMENT, compiled)


def _compile_model(text: str, path: str) -> Compiled:
    tree = _parse(text, path)
    for macro in tree.find_all(nodes.Macro):
        raise ProjectError(
            f"{path}:{macro.lineno}: a macro is defined in a model; "
            "dbt cannot call it there either. Move it to sql/macros."
        )
    _mark_lines(tree.body)
    return _compile_file(tree, path)


def _mark_lines(body: list[nodes.Node]) -> None:
    """Put a mark with its line before each part of the output; blocks that are values stay."""
    for node in body:
        if isinstance(node, nodes.Output):
            marked: list[nodes.Expr] = []
            for item in node.nodes:
                kind = "c" if isinstance(item, nodes.TemplateData) else "e"
                mark = f"\ue000{item.lineno}{kind}\ue001"
                marked += [nodes.TemplateData(mark, lineno=item.lineno), item]
            node.nodes = marked
        elif isinstance(node, nodes.If):
            _mark_lines(node.body)
            for branch in node.elif_:
                _mark_lines(branch.body)
            _mark_lines(node.else_)
        elif isinstance(node, nodes.For):
            _mark_lines(node.body)
            _mark_lines(node.else_)
        elif isinstance(node, nodes.With | nodes.Scope):
            _mark_lines(node.body)


def render_template(template: Template, path: str, context: Mapping[str, Any]) -> MappedSql:
    """Render a model, telling file and line of whatever goes wrong."""
    with_marks = _rendered(template, path, context)
    parts: list[str] = []
    segments: list[Segment] = []
    length = position = 0
    for mark in _MARK.finditer(with_marks):
        before = with_marks[position : mark.start()]
        parts.append(before)
        length += len(before)
        segments.append(Segment(length, path, int(mark[1]), mark[2] == "c"))
        position = mark.end()
    parts.append(with_marks[position:])
    if not segments:
        segments.append(Segment(0, path, 1, True))
    return MappedSql("".join(parts), tuple(segments))


def _rendered(template: Template, path: str, context: Mapping[str, Any]) -> str:
    """Render; an error names the innermost template line that it passed through."""
    try:
        return template.render(context)
    except MacroReturn as error:
        raise ProjectError(f"{path}:1: return() is called outside a macro.") from error
    except (TemplateFault, VarhouseError, TemplateError, TypeError, ValueError, LookupError,
            AttributeError, ArithmeticError) as error:  # fmt: skip
        places = _template_places(error)
        inner, line = places[-1] if places else (path, 1)
        message = str(error) or type(error).__name__
        outer = f" (while rendering {path})" if inner != path else ""
        raise ProjectError(f"{inner}:{line}: {message}{outer}") from error


def _template_places(error: BaseException) -> list[tuple[str, int]]:
    """Return the lines of templates in a traceback, which Jinja has written into it."""
    frames = traceback.walk_tb(error.__traceback__)
    places = ((frame.f_code.co_filename, line) for frame, line in frames)
    return [(path, line) for path, line in places if path.endswith((".sql", ".yml", ".yaml"))]


@lru_cache(maxsize=1024)
def _native(text: str, cache: TemplateCache) -> tuple[Template, frozenset[str]]:
    compiled = cache.compiled("yml", text, "", lambda: _compile(_NATIVE, _NATIVE.parse(text), None))
    return _template(_NATIVE, compiled), compiled.names


def render_native(
    text: str, context: Mapping[str, Any], where: Location, cache: TemplateCache
) -> Any:
    """Render text of a yml file; a lone ``{{ expression }}`` keeps the type of its value."""
    try:
        template, names = _native(text, cache)
        unknown = names - {*context, *_JINJA_GLOBALS}
        if unknown:
            name = min(unknown)
            raise TemplateFault(f"'{name}' is not available here.{suggest(name, context)}")
        return template.render(context)
    except (TemplateFault, TemplateError, TypeError, ValueError, LookupError) as error:
        raise ProjectError(f"{where}: {text!r}: {error}") from error
