"""What a template may call, with dbt's meaning: ref, source, var, config, macros and the rest."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from jinja2 import Template
from jinja2.environment import TemplateModule

from varhouse.errors import ProjectError
from varhouse.runner.nodes import Location, Relation, suggest
from varhouse.runner.sourcemap import MappedSql
from varhouse.runner.template_cache import TemplateCache
from varhouse.runner.templates import (
    MACRO_PREFIX,
    Macro,
    MacroReturn,
    TemplateFault,
    check_names,
    parse_macro_file,
    parse_model,
    render_native,
    render_template,
)

_LOG = logging.getLogger("varhouse.runner")
_UNSET = object()
_DOCS_BLOCK = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}(.*?)\{%-?\s*enddocs\s*-?%\}", re.DOTALL)
_CALL = re.compile(r"^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$", re.DOTALL)


class Scope:
    """What one rendering sees and leaves behind.

    Parameters
    ----------
    resolve_ref, resolve_source
        Turn a name into a relation, or raise ``TemplateFault``.
    this
        The relation that the node itself makes.
    incremental
        The answer of ``is_incremental()``.
    config
        What ``config.get`` sees; ``config(...)`` calls are gathered in ``configured``.
    """

    def __init__(
        self,
        *,
        resolve_ref: Callable[[str], Relation],
        resolve_source: Callable[[str, str], Relation],
        this: Relation | None,
        incremental: bool = False,
        config: Mapping[str, Any] | None = None,
        vars: Mapping[str, Any] | None = None,
    ) -> None:
        self.resolve_ref = resolve_ref
        self.resolve_source = resolve_source
        self.this = this
        self.incremental = incremental
        self.config = config or {}
        self.vars = vars or {}
        self.configured: dict[str, Any] = {}


class _Config:
    """``config(...)`` sets, ``config.get`` and ``config.require`` read."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        if len(args) > 1 or (args and (kwargs or not isinstance(args[0], dict))):
            raise TemplateFault("config() takes keyword arguments, or one dict.")
        self._scope.configured.update(args[0] if args else kwargs)
        return ""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting of this node, or the default."""
        held = {**self._scope.config, **self._scope.configured}
        # a copy: `do x.append(y)` in a template changes nothing beyond it
        return deepcopy(held[name]) if name in held else default

    def require(self, name: str) -> Any:
        """Return a setting of this node; it must be set."""
        found = self.get(name, _UNSET)
        if found is _UNSET:
            raise TemplateFault(f"config.require('{name}'): the config is not set.")
        return found


class _Var:
    """``var('x')`` and ``var('x', default)``."""

    def __init__(self, values: Mapping[str, Any], asked: set[str]) -> None:
        self._values = values
        self._asked = asked

    def __call__(self, name: str, default: Any = _UNSET) -> Any:
        self._asked.add(name)
        if name in self._values:
            # a copy: what one template appends to it is not there for the next
            return deepcopy(self._values[name])
        if default is _UNSET:
            raise TemplateFault(
                f"var('{name}') is not set. Give it in dbt_project.yml under vars, "
                f"with --vars, or a default.{suggest(name, self._values)}"
            )
        return default

    def has_var(self, name: str) -> bool:
        """Tell whether the var is set."""
        self._asked.add(name)
        return name in self._values


class _Exceptions:
    """``exceptions.raise_compiler_error`` and ``exceptions.warn``."""

    def raise_compiler_error(self, message: Any) -> None:
        """Stop with this message."""
        raise TemplateFault(str(message))

    def warn(self, message: Any) -> str:
        """Log this message as a warning."""
        _LOG.warning("%s", message)
        return ""


def _return(value: Any = "") -> None:
    raise MacroReturn(value)


def _log(message: Any, info: bool = False) -> str:
    _LOG.log(logging.INFO if info else logging.DEBUG, "%s", message)
    return ""


class Renderer:
    """The macros, vars, target and doc blocks of one project, ready to render its nodes.

    Attributes
    ----------
    asked_vars
        Names that a template has asked ``var`` for, set or not.
    """

    def __init__(
        self,
        project_name: str,
        *,
        vars: Mapping[str, Any],
        target: Mapping[str, Any],
        env: Mapping[str, str],
        cache: TemplateCache,
    ) -> None:
        self.project_name = project_name
        self._cache = cache
        self.vars = dict(vars)
        self.target = dict(target)
        self._env = env
        self.macros: dict[str, Macro] = {}
        self.asked_vars: set[str] = set()
        self._docs: dict[str, str] = {}
        self._templates: dict[str, Template] = {}

    def add_macro_files(self, files: Mapping[str, str]) -> None:
        """Take the macros of these files (path to text) and check every name they use."""
        compiled = {}
        for path, text in files.items():
            macros, compiled[path] = parse_macro_file(text, path, self._cache)
            for macro in macros:
                earlier = self.macros.get(macro.name)
                if earlier is not None:
                    raise ProjectError(
                        f"{macro.location}: the macro '{macro.name}' is defined already, "
                        f"in {earlier.location}."
                    )
                self.macros[macro.name] = macro
        for path, held in compiled.items():
            check_names(held, files[path], path, [*self.macros, self.project_name])

    def add_docs(self, path: str, text: str) -> None:
        """Take the ``{% docs name %}`` blocks of a Markdown file."""
        for block in _DOCS_BLOCK.finditer(text):
            name = block[1]
            if name in self._docs:
                line = text.count("\n", 0, block.start()) + 1
                raise ProjectError(f"{path}:{line}: the docs block '{name}' is defined twice.")
            self._docs[name] = block[2].strip()

    def doc(self, *names: str) -> str:
        """Return the text of a docs block."""
        name = names[-1] if names else ""
        if name not in self._docs:
            raise TemplateFault(f"doc('{name}'): no such docs block.{suggest(name, self._docs)}")
        return self._docs[name]

    def env_var(self, name: str, default: Any = _UNSET) -> Any:
        """Return an environment variable, as dbt's ``env_var``."""
        if name in self._env:
            return self._env[name]
        if default is _UNSET:
            raise TemplateFault(f"env_var('{name}'): the environment variable is not set.")
        return default

    def description(self, text: str, where: Location) -> str:
        """Render a description: it may call ``doc``, ``var``, ``env_var`` and ``target``."""
        if "{{" not in text and "{%" not in text:
            return text
        context = {**self._yml_context(), "doc": self.doc}
        return str(render_native(text, context, where, self._cache)).strip()

    def yml_value(self, value: Any, where: Location) -> Any:
        """Render every text in a yml value; ``{{ var('x') }}`` alone keeps its type."""
        if isinstance(value, str) and "{{" in value:
            return render_native(value, self._yml_context(), where, self._cache)
        if isinstance(value, Mapping):
            return {key: self.yml_value(item, where) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.yml_value(item, where) for item in value]
        return value

    def test_argument(self, value: Any, scope: Scope, where: Location) -> Any:
        """Render an argument of a generic test: ``ref('x')`` may stand without braces."""
        if isinstance(value, str):
            text = f"{{{{ {value} }}}}" if _CALL.match(value) else value
            if "{{" not in text:
                return value
            context = {
                **self._yml_context(scope.vars), **self._references(scope), "doc": self.doc,
            }  # fmt: skip
            return render_native(text, context, where, self._cache)
        if isinstance(value, Mapping):
            return {key: self.test_argument(item, scope, where) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.test_argument(item, scope, where) for item in value]
        return value

    def _yml_context(self, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {
            "var": _Var({**self.vars, **(extra or {})}, self.asked_vars),
            "env_var": self.env_var,
            "target": dict(self.target),
        }

    def render(self, key: str, text: str, path: str, scope: Scope) -> MappedSql:
        """Render the template of node ``key``, compiled once."""
        template = self._templates.get(key)
        if template is None:
            known = [*self.macros, self.project_name]
            template = self._templates[key] = parse_model(text, path, known, self._cache)
        return render_template(template, path, self._context(scope))

    def _references(self, scope: Scope) -> dict[str, Any]:
        def ref(*names: str, **kwargs: Any) -> Relation:
            if kwargs or not 1 <= len(names) <= 2:
                raise TemplateFault("ref() takes a model name; versions are not supported.")
            if len(names) == 2 and names[0] != self.project_name:
                raise TemplateFault(
                    f"ref('{names[0]}', '{names[1]}'): the only project here is "
                    f"'{self.project_name}'; dbt packages are not available."
                )
            return scope.resolve_ref(names[-1])

        def source(*names: str) -> Relation:
            if len(names) != 2:
                raise TemplateFault("source() takes the name of a source and of its table.")
            return scope.resolve_source(names[0], names[1])

        return {"ref": ref, "source": source}

    def _context(self, scope: Scope) -> dict[str, Any]:
        context: dict[str, Any] = {
            **self._references(scope),
            **self._yml_context(scope.vars),
            "config": _Config(scope),
            "is_incremental": lambda: scope.incremental,
            "this": scope.this,
            "doc": self.doc,
            "exceptions": _Exceptions(),
            "return": _return,
            "log": _log,
        }
        modules: dict[str, TemplateModule] = {}
        callables = {
            name: self._callable(macro, context, modules) for name, macro in self.macros.items()
        }
        context.update({self.project_name: callables, **callables})
        return context

    @staticmethod
    def _callable(
        macro: Macro, context: dict[str, Any], modules: dict[str, TemplateModule]
    ) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            # The macros of one file, bound once to what this rendering sees.
            module = modules.get(macro.location.path)
            if module is None:
                module = macro.template.make_module(context)
                modules[macro.location.path] = module
            try:
                return getattr(module, MACRO_PREFIX + macro.name)(*args, **kwargs)
            except MacroReturn as returned:
                return returned.value

        call.__name__ = macro.name
        return call
