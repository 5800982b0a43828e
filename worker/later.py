"""Packages that are loaded when somebody first wants something of them, and not with whoever
imports them in case.

Python's own `LazyLoader` is no help for a package: to import one of its modules means to look at
its `__path__`, and a look is all it takes.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

_LOADING = RLock()


def put_off(*packages: str) -> None:
    """From now on they are there when they are imported, and filled at the first look at a name
    that is neither theirs from birth nor one of their modules. Those already loaded stay so."""
    sys.meta_path.insert(0, _Finder(packages))


class _Package(ModuleType):
    """A package whose `__init__.py` hasn't run."""

    def __getattr__(self, name: str) -> Any:
        with _LOADING:  # two threads may want something at once
            spec = self.__spec__
            if spec is not None and isinstance(spec.loader, _Later):
                spec.loader = spec.loader.loader  # first: what it imports may look here again
                spec.loader.exec_module(self)
        return super().__getattribute__(name)


class _Later(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Package


class _Finder(MetaPathFinder):
    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._packages:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader)
        return spec
