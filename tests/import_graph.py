"""The imports of cctzoo, read from its source with `ast`."""

import ast
from pathlib import Path

import cctzoo

PACKAGE = Path(cctzoo.__file__).parent


def module_name(path):
    """`cctzoo.models.config` for `.../cctzoo/models/config.py`; a package for its `__init__`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = {name for name, path in FILES.items() if path.name == "__init__.py"}


def imported_names(module):
    """(module, name) of each `from module import name`; (module, None) of `import module`."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def leads_to(module, name):
    """The modules that an import leads to: through an `__init__` to the definition.

    An import of a whole package leads to everything that its `__init__` re-exports.
    """
    if name is not None and f"{module}.{name}" in FILES:
        module, name = f"{module}.{name}", None
    if module not in PACKAGES:
        return {module} & FILES.keys()
    exports = list(imported_names(module))
    if name is not None:
        exports = [pair for pair in exports if pair[1] == name]
    return set().union(*(leads_to(*pair) for pair in exports))


def import_graph():
    """For each module of cctzoo except the `__init__` files, the modules that it imports."""
    return {
        module: set().union(*(leads_to(*pair) for pair in imported_names(module))) - {module}
        for module in FILES.keys() - PACKAGES
    }


def circle(graph):
    """The modules of one circle of imports in their order, or an empty list."""
    finished = set()

    def walk(module, path):
        if module in path:
            return path[path.index(module) :]
        if module in finished:
            return []
        for imported in sorted(graph[module]):
            if found := walk(imported, [*path, module]):
                return found
        finished.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])
