# ruff: noqa: PTH105, PTH115, PTH120, PTH123, PTH208
"""The writers compared: each replaces the content of `path` by `data`."""

import contextlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

HELPER = Path(__file__).parents[2] / "src" / "atomic_fix" / "runtime.py"


def plain_open(path, data):
    with open(path, "wb") as file:
        file.write(data)


def recipe(path, data):
    """The usual answer to "how do I write a file atomically"."""
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)


def recipe_and_directory(path, data):
    recipe(path, data)
    fd = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def of_atomicwrites():
    from atomicwrites import atomic_write

    def write(path, data):
        with atomic_write(path, mode="wb", overwrite=True) as file:
            file.write(data)

    return write


def of_atomicwriter():
    from atomicwriter import AtomicWriter

    def write(path, data):
        with AtomicWriter(path, overwrite=True) as writer:
            writer.write_bytes(data)

    return write


def of_safer():
    import safer

    def write(path, data):
        with safer.open(path, "wb") as file:
            file.write(data)

    return write


def of_boltons():
    from boltons.fileutils import atomic_save

    def write(path, data):
        with atomic_save(path, overwrite=True) as file:
            file.write(data)

    return write


def of_durablewrite():
    from durablewrite import write_bytes_atomic

    return write_bytes_atomic


def of_atomic_fix():
    spec = importlib.util.spec_from_file_location("atomic_fix_runtime", HELPER)
    module = importlib.util.module_from_spec(spec)
    sys.modules["atomic_fix_runtime"] = module
    spec.loader.exec_module(module)
    return module.atomic_write_bytes


WRITERS = {
    "plain open": lambda: plain_open,
    "recipe": lambda: recipe,
    "recipe + dir fsync": lambda: recipe_and_directory,
    "atomicwrites": of_atomicwrites,
    "atomicwriter": of_atomicwriter,
    "safer": of_safer,
    "boltons": of_boltons,
    "durablewrite": of_durablewrite,
    "atomic_fix": of_atomic_fix,
}


def descriptors():
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.append((int(name), os.readlink(f"/proc/self/fd/{name}")))
    return sorted(f for f in found if "/proc/" not in f[1])
