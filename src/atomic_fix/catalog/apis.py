"""The calls that open, save, load, publish and synchronise files. A new API is one row.

Names are fully qualified (`numpy.savez`), whatever alias the code imports them under; a
name that starts with a dot is a method, whatever the receiver (`.to_csv`).
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Opener:
    """A call that opens a path in a mode. Positions are of positional arguments."""

    name: str
    path: int = 0
    mode: int = 1
    default_mode: str = "r"
    path_keyword: str = "file"
    content: str = ""
    """What such a file holds if the opener itself tells: `archive`, `hdf5`."""


@dataclass(frozen=True, slots=True)
class Saver:
    """A call that writes a whole object to a path given as an argument."""

    name: str
    path: int
    keyword: str
    content: str
    """`state` for formats that programs load back, `table` for tables, `copy` for copies."""
    binary: bool = True
    """Whether the saver, given a handle instead of a path, writes bytes to it."""


@dataclass(frozen=True, slots=True)
class Loader:
    """A call that parses the content of a file. `source` is what its argument is."""

    name: str
    argument: int = 0
    source: str = "handle"
    """`handle`, `text` (str or bytes already read), `path`, or `any` of path and handle."""

    @property
    def takes_path(self) -> bool:
        return self.source in {"path", "any"}


OPENERS: tuple[Opener, ...] = (
    Opener("builtins.open"),
    Opener("io.open"),
    Opener("codecs.open", path_keyword="filename"),
    Opener("gzip.open", default_mode="rb", path_keyword="filename"),
    Opener("gzip.GzipFile", default_mode="rb", path_keyword="filename"),
    Opener("bz2.open", default_mode="rb", path_keyword="filename"),
    Opener("bz2.BZ2File", default_mode="rb", path_keyword="filename"),
    Opener("lzma.open", default_mode="rb", path_keyword="filename"),
    Opener("lzma.LZMAFile", default_mode="rb", path_keyword="filename"),
    Opener("aiofiles.open"),
    Opener("anyio.open_file"),
    Opener("smart_open.open", path_keyword="uri"),
    Opener("fsspec.open", default_mode="rb", path_keyword="urlpath"),
    Opener("tensorflow.io.gfile.GFile", path_keyword="name"),
    Opener("h5py.File", path_keyword="name", content="hdf5"),
    Opener("zipfile.ZipFile", content="archive"),
)

# `smart_open`, `zopen`, `open_file`, imported from anywhere: `open` with something around it,
# unless a word of the name says that it does what this tool would have it do, or opens no file.
WRAPPER = re.compile(
    r"(?!(?i:.*(?:atomic|cloud|durabl|hold|lock|remote|safe|tar|te?mp|url|zip)))"
    r"(?:(?:\w+_|[fgxz])open|open_(?:\w+_)?file(?:_like)?)"
)
_ROWS = {row.name: row for row in OPENERS}


@lru_cache(maxsize=1024)
def opener(name: str) -> Opener | None:
    """The row of what is called under a qualified name."""
    module, _, last = name.rpartition(".")
    if name in _ROWS or module in {"", "?", "self", "cls"} or not WRAPPER.fullmatch(last):
        return _ROWS.get(name)
    return Opener(last)


SAVERS: tuple[Saver, ...] = (
    Saver("torch.save", 1, "f", "state"),
    Saver("torch.jit.save", 1, "f", "state"),
    Saver("numpy.save", 0, "file", "state"),
    Saver("numpy.savez", 0, "file", "state"),
    Saver("numpy.savez_compressed", 0, "file", "state"),
    Saver("numpy.savetxt", 0, "fname", "table", binary=False),
    Saver("joblib.dump", 1, "filename", "state"),
    Saver("safetensors.torch.save_file", 1, "filename", "state"),
    Saver("safetensors.numpy.save_file", 1, "filename", "state"),
    Saver("safetensors.flax.save_file", 1, "filename", "state"),
    Saver("safetensors.tensorflow.save_file", 1, "filename", "state"),
    Saver("scipy.sparse.save_npz", 0, "file", "state"),
    Saver("scipy.io.savemat", 0, "file_name", "state"),
    Saver("faiss.write_index", 1, "fname", "state"),
    Saver("paddle.save", 1, "path", "state"),
    Saver("mindspore.save_checkpoint", 1, "ckpt_file_name", "state"),
    Saver("shutil.copy", 1, "dst", "copy"),
    Saver("shutil.copy2", 1, "dst", "copy"),
    Saver("shutil.copyfile", 1, "dst", "copy"),
    Saver(".to_csv", 0, "path_or_buf", "table", binary=False),
    Saver(".to_json", 0, "path_or_buf", "table", binary=False),
    Saver(".to_parquet", 0, "path", "table"),
    Saver(".to_pickle", 0, "path", "state"),
    Saver("pandas.to_pickle", 1, "filepath_or_buffer", "state"),
    Saver(".tofile", 0, "fid", "state"),
    Saver(".to_feather", 0, "path", "table"),
    Saver(".to_hdf", 0, "path_or_buf", "table"),
    Saver(".write_csv", 0, "file", "table"),
    Saver(".write_parquet", 0, "file", "table"),
    Saver(".write_ipc", 0, "file", "table"),
    Saver(".write_ndjson", 0, "file", "table"),
    Saver(".save_weights", 0, "filepath", "state"),
)

# Objects with an `open(path, mode)` of their own: file system layers. The last word of a name.
FILE_SYSTEMS = frozenset({"filesystem", "fs", "gfile", "vfs"})

# `xml.etree.ElementTree.ElementTree.write(path)`: too common a method name to match on any
# receiver, so the receiver must come from one of these.
TREE_MAKERS = frozenset(
    {
        "xml.etree.ElementTree.ElementTree",
        "xml.etree.ElementTree.parse",
        "lxml.etree.ElementTree",
        "lxml.etree.parse",
    }
)

LOADERS: tuple[Loader, ...] = (
    Loader("json.load"),
    Loader("json.loads", source="text"),
    Loader("simplejson.load"),
    Loader("simplejson.loads", source="text"),
    Loader("ujson.load"),
    Loader("ujson.loads", source="text"),
    Loader("orjson.loads", source="text"),
    Loader("rapidjson.load"),
    Loader("rapidjson.loads", source="text"),
    Loader("msgspec.json.decode", source="text"),
    Loader("msgpack.load"),
    Loader("msgpack.unpack"),
    Loader("msgpack.loads", source="text"),
    Loader("msgpack.unpackb", source="text"),
    Loader("pickle.load"),
    Loader("pickle.loads", source="text"),
    Loader("cPickle.load"),
    Loader("cloudpickle.load"),
    Loader("dill.load"),
    Loader("dill.loads", source="text"),
    Loader("marshal.load"),
    Loader("joblib.load", source="any"),
    Loader("torch.load", source="any"),
    Loader("numpy.load", source="any"),
    Loader("numpy.loadtxt", source="any"),
    Loader("pandas.read_csv", source="any"),
    Loader("pandas.read_json", source="any"),
    Loader("pandas.read_parquet", source="any"),
    Loader("pandas.read_pickle", source="any"),
    Loader("pandas.read_feather", source="any"),
    Loader("polars.read_csv", source="any"),
    Loader("polars.read_parquet", source="any"),
    Loader("safetensors.torch.load_file", source="path"),
    Loader("faiss.read_index", source="path"),
    Loader("yaml.load"),
    Loader("yaml.safe_load"),
    Loader("yaml.full_load"),
    Loader("yaml.unsafe_load"),
    Loader("yaml.safe_load_all"),
    Loader("toml.load", source="path"),
    Loader("toml.loads", source="text"),
    Loader("tomli.load"),
    Loader("tomli.loads", source="text"),
    Loader("tomllib.load"),
    Loader("tomllib.loads", source="text"),
    Loader("tomlkit.load"),
    Loader("tomlkit.parse", source="text"),
    Loader("csv.reader"),
    Loader("csv.DictReader"),
    Loader("xml.etree.ElementTree.parse", source="any"),
    Loader("plistlib.load"),
    Loader("ast.literal_eval", source="text"),
    Loader("builtins.int", source="text"),
    Loader("builtins.float", source="text"),
    Loader("base64.b64decode", source="text"),
    Loader("zipfile.ZipFile", source="any"),
    Loader("h5py.File", source="path"),
    Loader("shelve.open", source="path"),
    Loader(".model_validate_json", source="text"),
    Loader(".parse_raw", source="text"),
    Loader(".parse_file", source="path"),
    Loader(".read_file", source="handle"),
    Loader(".load_state_dict", source="text"),
)

# Serialisers: a write of what they return, or through them, is a write of structured data.
DUMPERS: dict[str, int] = {
    # name -> position of the handle, or -1 when it returns text
    "json.dump": 1,
    "simplejson.dump": 1,
    "ujson.dump": 1,
    "rapidjson.dump": 1,
    "pickle.dump": 1,
    "cPickle.dump": 1,
    "cloudpickle.dump": 1,
    "dill.dump": 1,
    "marshal.dump": 1,
    "yaml.dump": 1,
    "yaml.safe_dump": 1,
    "yaml.dump_all": 1,
    "yaml.safe_dump_all": 1,
    "toml.dump": 1,
    "tomli_w.dump": 1,
    "tomlkit.dump": 1,
    "msgpack.dump": 1,
    "msgpack.pack": 1,
    "plistlib.dump": 1,
    "torch.save": 1,
    "joblib.dump": 1,
    "numpy.save": 0,
    "numpy.savez": 0,
    "numpy.savez_compressed": 0,
    "json.dumps": -1,
    "simplejson.dumps": -1,
    "ujson.dumps": -1,
    "orjson.dumps": -1,
    "rapidjson.dumps": -1,
    "msgspec.json.encode": -1,
    "msgspec.msgpack.encode": -1,
    "pickle.dumps": -1,
    "cloudpickle.dumps": -1,
    "dill.dumps": -1,
    "marshal.dumps": -1,
    "toml.dumps": -1,
    "tomli_w.dumps": -1,
    "tomlkit.dumps": -1,
    "msgpack.packb": -1,
    "msgpack.dumps": -1,
    "plistlib.dumps": -1,
}

# Methods that return the serialised form of an object (pydantic, attrs, protobuf, numpy).
DUMP_METHODS = frozenset(
    {"model_dump_json", "to_json", "SerializeToString", "to_yaml", "to_toml", "as_string"}
)

# Calls that give a temp file or folder.
TEMP_MAKERS = frozenset(
    {
        "tempfile.NamedTemporaryFile",
        "tempfile.TemporaryFile",
        "tempfile.SpooledTemporaryFile",
        "tempfile.TemporaryDirectory",
        "tempfile.mkstemp",
        "tempfile.mkdtemp",
        "tempfile.mktemp",
        "tempfile.gettempdir",
    }
)

# (source, destination) positions of calls that give a finished file its final name.
PUBLISHERS: dict[str, str] = {
    "os.replace": "replace",
    "os.rename": "rename",
    "os.renames": "rename",
    "os.link": "link",
    "shutil.move": "move",
    "shutil.copy": "copy",
    "shutil.copy2": "copy",
    "shutil.copyfile": "copy",
}
PUBLISH_METHODS: dict[str, str] = {"replace": "replace", "rename": "rename"}

SPLITTERS = frozenset({"split", "splitlines"})
"""Methods that take a text apart."""

REMOVERS = frozenset({"os.remove", "os.unlink", "shutil.rmtree"})
SYNCERS = frozenset({"os.fsync", "os.fdatasync", "fcntl.fcntl"})

# Functions that return the same path in another form: the path is their first argument,
# or the receiver when the name is a method.
SAME_PATH_CALLS = frozenset(
    {
        "builtins.str",
        "os.fspath",
        "os.fsencode",
        "os.fsdecode",
        "os.path.abspath",
        "os.path.expanduser",
        "os.path.expandvars",
        "os.path.normpath",
        "os.path.realpath",
        "typing.cast",
        "copy.copy",
    }
)
SAME_PATH_METHODS = frozenset(
    {"absolute", "as_posix", "expanduser", "resolve", "strip", "rstrip", "encode", "__str__"}
)
PATH_CLASSES = frozenset(
    {
        "pathlib.Path",
        "pathlib.PurePath",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "anyio.Path",
        "trio.Path",
        "aiopath.AsyncPath",
        "upath.UPath",
        "path.Path",
        "py.path.local",
    }
)
JOIN_CALLS = frozenset({"os.path.join", "posixpath.join"})

# Packages whose writers are atomic: a call into them is never a finding.
ATOMIC_PACKAGES = frozenset(
    {"atomic_fix", "atomicwrites", "atomicwriter", "atomicfile", "durablewrite", "safer"}
)

# The name of a function from elsewhere that writes a file in a way that is its own affair.
KEEPER = re.compile(r"(?i:\w*atomic\w*|_?(?:dump|persist|save|store|write)_\w+)")

# In-memory objects that savers and dumpers may be given instead of a file.
IN_MEMORY = frozenset({"io.BytesIO", "io.StringIO", "BytesIO", "StringIO"})

# Calls that run a function given as an argument: position of the function.
RUNNERS: dict[str, int] = {
    "to_thread": 0,
    "run_sync": 0,
    "run_in_executor": 1,
    "submit": 0,
    "apply_async": 0,
    "partial": 0,
    "sync_to_async": 0,
}
