"""The calls that open, save, load, publish and synchronise files. A new API is one row.

Names are fully qualified (`numpy.savez`), whatever alias the code imports them under; a
name that starts with a dot is a method, whatever the receiver (`.to_csv`).
"""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache


class Content(Enum):
    """The kind of a file's content, as far as the call that writes it shows."""

    UNKNOWN = auto()
    STATE = auto()
    """Serialised data, in a format that programs load back."""
    TABLE = auto()
    COPY = auto()
    DOWNLOAD = auto()
    """Content fetched from elsewhere that could be fetched again."""
    ARCHIVE = auto()
    HDF5 = auto()


class Move(Enum):
    """How a finished file gets its final name."""

    REPLACE = auto()
    RENAME = auto()
    LINK = auto()
    MOVE = auto()
    COPY = auto()


class Rewriting(Enum):
    """How the repair of a block changes the call that opens its file."""

    OPENS = "a call of `atomic_open` with the same arguments"
    RECODES = "a call of `atomic_open` that writes no other line ends"
    COMPRESSES = "the same call, with a handle of `atomic_open` in place of the path"
    TAKES_FILEOBJ = "left to a person: a handle of `atomic_open` as `fileobj`"
    AWAITS = "a call of an asynchronous helper, if the block does no more than write"
    UNKNOWN_EFFECTS = "no repair: what else the opener does is not known"


_OPEN = ("file", "mode", "buffering", "encoding", "errors", "newline", "closefd", "opener")
_COMPRESSED = ("filename", "mode", "compresslevel", "encoding", "errors", "newline")


@dataclass(frozen=True, slots=True)
class Opener:
    """A call that opens the path that comes first, in the mode that comes second."""

    name: str
    rewriting: Rewriting = Rewriting.UNKNOWN_EFFECTS
    default_mode: str = "r"
    parameters: tuple[str, ...] = _OPEN
    """The names of the positional parameters, the path first."""
    content: Content = Content.UNKNOWN
    """The kind of content, if the opener alone determines it."""
    refusal: str = ""
    """Why there is no repair; empty if the reason is only that its other effects are unknown."""

    @property
    def path_keyword(self) -> str:
        return self.parameters[0]


@dataclass(frozen=True, slots=True)
class Handle:
    """What a saver does if it gets a handle instead of a path."""

    arguments: str = '"wb"'
    """The arguments of `atomic_open` after the path."""
    suffixes: tuple[str, ...] = ()
    """Only for paths with one of these suffixes does the saver write to exactly that file, without
    compression; empty if the suffix does not matter."""
    module: str = ""
    """A package that the module must import, because the method name alone is ambiguous."""
    unsafe_reason: str = ""
    """Why the fix should be reviewed; empty if the bytes are the same."""
    refused: frozenset[str] = frozenset()
    """Keywords that are valid only with a path, or change how the file is opened."""
    appends: bool = False
    """Whether the saver appends the first suffix to a path without it."""


_PATH_ONLY = "`{}` takes a path only; save to a temp file, then `os.replace` it"


@dataclass(frozen=True, slots=True)
class Saver:
    """A call that writes a whole object to a path given as an argument."""

    name: str
    path: int
    keyword: str
    content: Content
    handle: Handle | None = None
    """How it is repaired. Without this there is no repair, for the reason `refusal`."""
    loader: str = ""
    """The call that loads what it saves, from the same path."""
    refusal: str = _PATH_ONLY
    packages: frozenset[str] = frozenset()
    """For a method with an ambiguous name: one of these packages must be imported."""

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return self.name.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Loader:
    """A call that parses the content of a file: of a handle, or a text already read."""

    name: str
    takes_path: bool = False
    """Whether it also accepts a path."""
    position: int = 0
    """The position of the path."""


OPENERS = (
    Opener("builtins.open", Rewriting.OPENS),
    Opener("io.open", Rewriting.OPENS),
    Opener(
        "codecs.open",
        Rewriting.RECODES,
        parameters=("filename", "mode", "encoding", "errors", "buffering"),
    ),
    Opener("gzip.open", Rewriting.COMPRESSES, "rb", _COMPRESSED),
    Opener("gzip.GzipFile", Rewriting.TAKES_FILEOBJ, "rb", _COMPRESSED[:2]),
    Opener("bz2.open", Rewriting.COMPRESSES, "rb", _COMPRESSED),
    Opener("bz2.BZ2File", Rewriting.COMPRESSES, "rb", _COMPRESSED[:2]),
    Opener("lzma.open", Rewriting.COMPRESSES, "rb", _COMPRESSED[:2]),
    Opener("lzma.LZMAFile", Rewriting.COMPRESSES, "rb", _COMPRESSED[:2]),
    Opener("aiofiles.open", Rewriting.AWAITS),
    Opener("anyio.open_file", Rewriting.AWAITS),
    Opener("smart_open.open", parameters=("uri", "mode")),
    Opener("fsspec.open", default_mode="rb", parameters=("urlpath", "mode")),
    Opener("tensorflow.io.gfile.GFile", parameters=("name", "mode")),
    Opener(
        "h5py.File",
        parameters=("name", "mode"),
        content=Content.HDF5,
        refusal="h5py writes through its own library; write to a temp file, then replace",
    ),
    Opener(
        "zipfile.ZipFile",
        Rewriting.COMPRESSES,
        parameters=("file", "mode"),
        content=Content.ARCHIVE,
    ),
)
# `path.open(mode)`.
PATH_OPEN = Opener("Path.open", Rewriting.OPENS, parameters=_OPEN[1:])

# `smart_open`, `zopen`, `open_file`, imported from anywhere: wrappers of `open`, unless the name
# says that it is already atomic, or does not open a file.
WRAPPER = re.compile(
    r"(?!(?i:.*(?:atomic|cloud|durabl|hold|lock|remote|safe|tar|te?mp|url|zip)))"
    r"(?:(?:\w+_|[fgxz])open|open_(?:\w+_)?file(?:_like)?)"
)
_ROWS = {row.name: row for row in OPENERS}


@lru_cache(maxsize=1024)
def opener(name: str, written: str) -> Opener | None:
    """The row of a function that opens files.

    Args:
        name: its qualified name; empty when that is not known.
        written: the dotted name under which it is called.
    """
    if name in _ROWS:
        return _ROWS[name]
    module, _, last = (name or written).rpartition(".")
    is_of_object = bool(module) and not (name and module in {"self", "cls"})
    return Opener(last) if is_of_object and WRAPPER.fullmatch(last) else None


_NPZ = Handle(suffixes=(".npz",), appends=True)
_PANDAS_TEXT = '"w", encoding="utf-8", newline=""'
_PANDAS_OPTIONS = frozenset({"mode", "encoding", "errors", "compression", "storage_options"})
_POLARS = Handle(module="polars", unsafe_reason="polars buffers handles in its own way")
_COPIED = "copy to a temp file beside the target, then `os.replace` it"


def _state(name: str, path: int, keyword: str, loader: str = "") -> Saver:
    return Saver(name, path, keyword, Content.STATE, loader=loader)


def _table(name: str, path: int, keyword: str, loader: str = "") -> Saver:
    return Saver(name, path, keyword, Content.TABLE, loader=loader)


def _of(packages: str, row: Saver) -> Saver:
    return replace(row, packages=frozenset(packages.split()))


_BOOSTING = "catboost fasttext lightgbm xgboost"
_LIGHTNING = "lightning pytorch_lightning"
_FETCHED = "download to a temp file beside the target, then `os.replace` it"
_DOWNLOADS = tuple(
    Saver(name, path, keyword, Content.DOWNLOAD, refusal=_FETCHED)
    for name, path, keyword in (
        ("urllib.request.urlretrieve", 1, "filename"),
        ("urllib.urlretrieve", 1, "filename"),
        ("wget.download", 1, "out"),
        ("gdown.download", 1, "output"),
        (".download_to_filename", 0, "filename"),
    )
)
# There is no repair for these: they accept only a path, or it is unknown whether they accept a
# handle.
_WITHOUT_HANDLE = (
    # Sessions and settings
    _state(".storage_state", 0, "path"),
    _state(".save_session_to_file", 0, "filename"),
    _state(".SaveCredentialsFile", 0, "credentials_file"),
    _of("instagrapi", _state(".dump_settings", 0, "path")),
    _of("gi", _state(".save_to_file", 0, "filename")),
    _table("omegaconf.OmegaConf.save", 1, "f", "omegaconf.OmegaConf.load"),
    _state("dill.dump_session", 0, "filename", "dill.load_session"),
    _state("dill.dump_module", 0, "filename", "dill.load_module"),
    _state("mmcv.dump", 1, "file", "mmcv.load"),
    _state("mmengine.dump", 1, "file", "mmengine.load"),
    _state("mmengine.fileio.dump", 1, "file", "mmengine.fileio.load"),
    # Models
    _state("keras.models.save_model", 1, "filepath", "keras.models.load_model"),
    _state("keras.saving.save_model", 1, "filepath", "keras.saving.load_model"),
    _state(
        "tensorflow.keras.models.save_model", 1, "filepath", "tensorflow.keras.models.load_model"
    ),
    _state("safetensors.torch.save_model", 1, "filename", "safetensors.torch.load_model"),
    _state("safetensors.mlx.save_file", 1, "filename"),
    _state("safetensors.paddle.save_file", 1, "filename"),
    _state("mlx.core.save", 0, "file", "mlx.core.load"),
    _state("mlx.core.savez", 0, "file"),
    _state("mlx.core.save_safetensors", 0, "file"),
    _state("jax.numpy.save", 0, "file", "jax.numpy.load"),
    _state("jax.numpy.savez", 0, "file"),
    _state("mmengine.runner.save_checkpoint", 1, "filename"),
    _state("mmcv.runner.save_checkpoint", 1, "filename"),
    _of(_BOOSTING, _state(".save_model", 0, "fname")),
    _of(_LIGHTNING, _state(".save_checkpoint", 0, "filepath")),
    _of("gensim", _state(".save_word2vec_format", 0, "fname")),
    # Indexes and stores
    _state("faiss.write_index_binary", 1, "fname", "faiss.read_index_binary"),
    _of("hnswlib", _state(".save_index", 0, "path_to_index")),
    _of("langchain langchain_community langchain_core", _state(".save_local", 0, "folder_path")),
    _state("zarr.save", 0, "store", "zarr.load"),
    _state("zarr.save_array", 0, "store", "zarr.load"),
    _of("xarray", _table(".to_netcdf", 0, "path")),
    _of("xarray", _table(".to_zarr", 0, "store")),
    _of("geopandas", _table(".to_file", 0, "filename")),
    _table("pyarrow.parquet.write_table", 1, "where", "pyarrow.parquet.read_table"),
    _table("pyarrow.feather.write_feather", 1, "dest", "pyarrow.feather.read_feather"),
    _table("pyarrow.csv.write_csv", 1, "output_file", "pyarrow.csv.read_csv"),
    _table("scipy.io.mmwrite", 0, "target", "scipy.io.mmread"),
    *(
        _table(f"networkx.write_{kind}", 1, "path", f"networkx.read_{kind}")
        for kind in ("adjlist", "edgelist", "gexf", "gml", "gpickle", "graphml", "pajek")
    ),
)

SAVERS = (
    Saver(
        "torch.save",
        1,
        "f",
        Content.STATE,
        Handle(unsafe_reason="the archive's inner folder is named `archive`, not as the file"),
        "torch.load",
    ),
    Saver(
        "torch.jit.save",
        1,
        "f",
        Content.STATE,
        Handle(unsafe_reason="the archive's inner folder is named `archive`"),
    ),
    Saver(
        "numpy.save",
        0,
        "file",
        Content.STATE,
        Handle(suffixes=(".npy",), appends=True),
        "numpy.load",
    ),
    Saver("numpy.savez", 0, "file", Content.STATE, _NPZ, "numpy.load"),
    Saver("numpy.savez_compressed", 0, "file", Content.STATE, _NPZ, "numpy.load"),
    Saver("numpy.savetxt", 0, "fname", Content.TABLE, loader="numpy.loadtxt"),
    Saver(
        "joblib.dump",
        1,
        "filename",
        Content.STATE,
        Handle(suffixes=(".joblib", ".pkl", ".pickle", ".bin", ".dat", ".job")),
        "joblib.load",
    ),
    Saver(
        "safetensors.torch.save_file",
        1,
        "filename",
        Content.STATE,
        loader="safetensors.torch.load_file",
    ),
    Saver("safetensors.numpy.save_file", 1, "filename", Content.STATE),
    Saver("safetensors.flax.save_file", 1, "filename", Content.STATE),
    Saver("safetensors.tensorflow.save_file", 1, "filename", Content.STATE),
    Saver("scipy.sparse.save_npz", 0, "file", Content.STATE, _NPZ),
    Saver(
        "scipy.io.savemat",
        0,
        "file_name",
        Content.STATE,
        Handle(suffixes=(".mat",), appends=True, refused=frozenset({"appendmat"})),
    ),
    Saver("faiss.write_index", 1, "fname", Content.STATE, loader="faiss.read_index"),
    Saver(
        "paddle.save",
        1,
        "path",
        Content.STATE,
        Handle(unsafe_reason="paddle writes the same content, but maybe in other chunks"),
    ),
    Saver("mindspore.save_checkpoint", 1, "ckpt_file_name", Content.STATE),
    Saver("shutil.copy", 1, "dst", Content.COPY, refusal=_COPIED),
    Saver("shutil.copy2", 1, "dst", Content.COPY, refusal=_COPIED),
    Saver("shutil.copyfile", 1, "dst", Content.COPY, refusal=_COPIED),
    Saver(
        ".to_csv",
        0,
        "path_or_buf",
        Content.TABLE,
        Handle(_PANDAS_TEXT, (".csv", ".tsv", ".txt"), "pandas", refused=_PANDAS_OPTIONS),
        "pandas.read_csv",
    ),
    Saver(
        ".to_json",
        0,
        "path_or_buf",
        Content.TABLE,
        Handle(_PANDAS_TEXT, (".json", ".jsonl"), "pandas", refused=_PANDAS_OPTIONS),
        "pandas.read_json",
    ),
    Saver(
        ".to_parquet",
        0,
        "path",
        Content.TABLE,
        Handle(
            module="pandas",
            unsafe_reason="the engine may write other metadata to a handle",
            refused=frozenset({"storage_options", "partition_cols", "engine"}),
        ),
        "pandas.read_parquet",
    ),
    Saver(
        ".to_pickle",
        0,
        "path",
        Content.STATE,
        Handle(suffixes=(".pkl", ".pickle"), module="pandas", refused=_PANDAS_OPTIONS),
        "pandas.read_pickle",
    ),
    Saver("pandas.to_pickle", 1, "filepath_or_buffer", Content.STATE, loader="pandas.read_pickle"),
    Saver(".tofile", 0, "fid", Content.STATE),
    Saver(
        ".to_feather",
        0,
        "path",
        Content.TABLE,
        Handle(module="pandas", unsafe_reason="feather may be written in other chunks"),
        "pandas.read_feather",
    ),
    Saver(".to_hdf", 0, "path_or_buf", Content.TABLE),
    Saver(".write_csv", 0, "file", Content.TABLE, _POLARS, "polars.read_csv"),
    Saver(".write_parquet", 0, "file", Content.TABLE, _POLARS, "polars.read_parquet"),
    Saver(".write_ipc", 0, "file", Content.TABLE, _POLARS),
    Saver(".write_ndjson", 0, "file", Content.TABLE, _POLARS),
    Saver(".save_weights", 0, "filepath", Content.STATE),
    *_WITHOUT_HANDLE,
    *_DOWNLOADS,
)
# The method of objects that `TREE_MAKERS` create.
TREE_WRITE = Saver(
    "ElementTree.write",
    0,
    "file_or_filename",
    Content.STATE,
    Handle(unsafe_reason="on Windows the line ends become \\n"),
)


# Classes of toolkits whose objects get the path first, and their methods that read the file.
TOOLKIT_FILES = frozenset(
    {
        "gi.repository.Gio.File.new_for_path",
        "gi.repository.Gio.file_new_for_path",
        "PyQt5.QtCore.QFile",
        "PyQt6.QtCore.QFile",
        "PySide2.QtCore.QFile",
        "PySide6.QtCore.QFile",
        "qtpy.QtCore.QFile",
    }
)
TOOLKIT_READERS = frozenset(
    {"load_bytes", "load_bytes_async", "load_contents", "load_contents_async", "readAll"}
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """A class whose objects are created with the path to which one of their methods saves."""

    name: str
    keyword: str
    """The first parameter of its constructor, and of the method where that takes a path."""
    saves: str
    loads: str = ""
    refusal: str = _PATH_ONLY


KEEPERS = (
    Keeper("http.cookiejar.LWPCookieJar", "filename", "save", "load"),
    Keeper("http.cookiejar.MozillaCookieJar", "filename", "save", "load"),
    Keeper("cookielib.LWPCookieJar", "filename", "save", "load"),
    Keeper("cookielib.MozillaCookieJar", "filename", "save", "load"),
    Keeper(
        "configobj.ConfigObj",
        "infile",
        "write",
        refusal="`{}` writes to the path of its object unless it is given a file; give it one that "
        'is opened by `atomic_open(..., "wb")`',
    ),
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
# The same for `read(path)`.
PARSER_MAKERS = frozenset(
    {
        "configparser.ConfigParser",
        "configparser.RawConfigParser",
        "configparser.SafeConfigParser",
    }
)

LOADERS = (
    *(
        Loader(name, takes_path=True)
        for name in dict.fromkeys(each.loader for each in SAVERS if each.loader)
    ),
    Loader("json.load"),
    Loader("json.loads"),
    Loader("simplejson.load"),
    Loader("simplejson.loads"),
    Loader("ujson.load"),
    Loader("ujson.loads"),
    Loader("orjson.loads"),
    Loader("rapidjson.load"),
    Loader("rapidjson.loads"),
    Loader("msgspec.json.decode"),
    Loader("msgpack.load"),
    Loader("msgpack.unpack"),
    Loader("msgpack.loads"),
    Loader("msgpack.unpackb"),
    Loader("pickle.load"),
    Loader("pickle.loads"),
    Loader("cPickle.load"),
    Loader("cloudpickle.load"),
    Loader("dill.load"),
    Loader("dill.loads"),
    Loader("marshal.load"),
    Loader("yaml.load"),
    Loader("yaml.safe_load"),
    Loader("yaml.full_load"),
    Loader("yaml.unsafe_load"),
    Loader("yaml.safe_load_all"),
    Loader("toml.load", takes_path=True),
    Loader("toml.loads"),
    Loader("tomli.load"),
    Loader("tomli.loads"),
    Loader("tomllib.load"),
    Loader("tomllib.loads"),
    Loader("tomlkit.load"),
    Loader("tomlkit.parse"),
    Loader("csv.reader"),
    Loader("csv.DictReader"),
    Loader("xml.etree.ElementTree.parse", takes_path=True),
    Loader("plistlib.load"),
    Loader("ast.literal_eval"),
    Loader("struct.iter_unpack", position=1),
    Loader("struct.unpack", position=1),
    Loader("numpy.frombuffer"),
    Loader("builtins.int"),
    Loader("builtins.float"),
    Loader("base64.b64decode"),
    Loader("zipfile.ZipFile", takes_path=True),
    Loader("h5py.File", takes_path=True),
    Loader("shelve.open", takes_path=True),
    Loader(".model_validate_json"),
    Loader(".parse_raw"),
    Loader(".parse_file", takes_path=True),
    Loader(".read_file"),
    Loader(".load_state_dict"),
)

# Serialisers that, unlike `dump` and `dumps`, are not recognised by their last name. They get the
# handle, or return the content to write.
DUMPERS = frozenset(
    {
        "msgpack.pack",
        "msgpack.packb",
        "msgspec.json.encode",
        "msgspec.msgpack.encode",
        "numpy.save",
        "numpy.savez",
        "numpy.savez_compressed",
        "torch.save",
        "yaml.dump",
        "yaml.dump_all",
        "yaml.safe_dump",
        "yaml.safe_dump_all",
    }
)

# Functions that write an object into a handle, wherever they come from.
DUMP_NAMES = frozenset({"dump", "safe_dump"})

# Functions, and methods of an object (pydantic, attrs, protobuf, numpy), that return its
# serialised form.
DUMP_METHODS = frozenset(
    {"model_dump_json", "to_json", "SerializeToString", "to_yaml", "to_toml", "as_string", "dumps"}
)

# Calls that create a temp file or folder.
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

# Calls that return a different value each time: a time, a random number, the process ID.
UNIQUE_MAKERS = (
    "datetime.now",
    "datetime.utcnow",
    "getpid",
    "strftime",
    "time.time",
    "time_ns",
    "token_hex",
    "uuid",
    "uuid1",
    "uuid4",
)

# Calls that give a finished file its final name.
PUBLISHERS = {
    "os.replace": Move.REPLACE,
    "os.rename": Move.RENAME,
    "os.renames": Move.RENAME,
    "os.link": Move.LINK,
    "shutil.move": Move.MOVE,
    "shutil.copy": Move.COPY,
    "shutil.copy2": Move.COPY,
    "shutil.copyfile": Move.COPY,
}
PUBLISH_METHODS = {"rename": Move.RENAME, "replace": Move.REPLACE}

# Objects that write into a given handle, and leave it open when they are closed.
COMPRESSORS = frozenset(
    {
        *("bz2.BZ2File", "bz2.open", "gzip.GzipFile", "gzip.open", "lzma.LZMAFile", "lzma.open"),
        *("tarfile.TarFile", "tarfile.TarFile.open", "tarfile.open", "zipfile.ZipFile"),
    }
)

# Calls that return one of Python's own handles directly over the file.
PLAIN_HANDLES = frozenset(
    {"open", "io.open", "os.fdopen", "Path.open", "tempfile.NamedTemporaryFile"}
)
# Packages whose objects write through a handle, or are closed before it.
WRITING_THROUGH = frozenset({"bz2", "csv", "gzip", "json", "lzma", "pickle", "tarfile", "zipfile"})

# Functions that tell the type of a file, and load nothing of it.
RECOGNISERS = frozenset({"magic.from_buffer", "magic.from_file"})

SPLITTERS = frozenset({"split", "splitlines"})
"""Methods that take a text apart."""

TAR_OPENERS = frozenset({"tarfile.TarFile", "tarfile.TarFile.open", "tarfile.open"})

REMOVERS = frozenset({"os.remove", "os.unlink", "shutil.rmtree"})
SYNCERS = frozenset({"os.fsync", "os.fdatasync", "fcntl.fcntl"})

# Modules and names of the standard library that Windows lacks.
POSIX_MODULES = frozenset(
    {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios"}
)
POSIX_NAMES = frozenset(
    {
        "os.O_DIRECTORY",
        "os.WNOHANG",
        "os.chown",
        "os.chroot",
        "os.fchown",
        "os.fdatasync",
        "os.fork",
        "os.forkpty",
        "os.getegid",
        "os.geteuid",
        "os.getgid",
        "os.getgroups",
        "os.getloadavg",
        "os.getpgid",
        "os.getpgrp",
        "os.getsid",
        "os.getuid",
        "os.getxattr",
        "os.initgroups",
        "os.killpg",
        "os.lchown",
        "os.listxattr",
        "os.mkfifo",
        "os.mknod",
        "os.nice",
        "os.openpty",
        "os.posix_fadvise",
        "os.posix_fallocate",
        "os.posix_spawn",
        "os.pread",
        "os.pwrite",
        "os.sched_setaffinity",
        "os.sendfile",
        "os.setegid",
        "os.seteuid",
        "os.setgid",
        "os.setpgid",
        "os.setsid",
        "os.setuid",
        "os.setxattr",
        "os.statvfs",
        "os.sync",
        "os.sysconf",
        "os.ttyname",
        "os.uname",
        "os.wait",
        "os.wait3",
        "os.wait4",
        "select.epoll",
        "select.kqueue",
        "select.poll",
        "signal.SIGALRM",
        "signal.SIGCHLD",
        "signal.SIGHUP",
        "signal.SIGKILL",
        "signal.SIGQUIT",
        "signal.SIGUSR1",
        "signal.SIGUSR2",
        "signal.alarm",
        "signal.pause",
        "signal.setitimer",
        "socket.AF_UNIX",
    }
)

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
        "glob.glob",
        "glob.iglob",
    }
)
SAME_PATH_METHODS = frozenset(
    {"absolute", "as_posix", "expanduser", "resolve", "strip", "rstrip", "encode", "__str__"}
)
# The first three wherever they come from.
PATH_CLASSES = frozenset(
    {
        "AsyncPath",
        "Path",
        "PurePath",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "py.path.local",
        "upath.UPath",
    }
)
JOIN_CALLS = frozenset({"os.path.join", "posixpath.join"})

# Packages whose writers are atomic: a call into them is never a finding.
ATOMIC_PACKAGES = frozenset(
    {"atomic_fix", "atomicwrites", "atomicwriter", "atomicfile", "durablewrite", "safer"}
)

# The name of an imported function that writes a file; its own module is checked for how.
PROJECT_WRITER = re.compile(r"(?i:\w*atomic\w*|_?(?:dump|persist|save|store|write)_\w+)")

# In-memory objects that savers and dumpers may get instead of a file.
IN_MEMORY = frozenset({"BytesIO", "StringIO"})

# Calls that run a function given as an argument: position of the function.
RUNNERS = {
    "to_thread": 0,
    "run_sync": 0,
    "run_in_executor": 1,
    "submit": 0,
    "apply_async": 0,
    "partial": 0,
    "sync_to_async": 0,
    "async_add_executor_job": 0,
    "run_in_threadpool": 0,
    "deferToThread": 0,
    "call_soon_threadsafe": 0,
}

# Modules of the standard library with an `open` of their own.
MODULES_WITH_OPEN = frozenset(
    {
        *("aifc", "bz2", "codecs", "dbm", "gzip", "lzma", "os", "posix", "shelve", "sunau"),
        *("tarfile", "tokenize", "wave", "webbrowser"),
    }
)

# Packages whose paths may be on another machine.
REMOTE_PATH_PACKAGES = ("upath", "cloudpathlib", "s3path", "fsspec", "universal_pathlib")

# Third-party packages whose import only defines names. A write that is repaired may have been the
# only code that needed them.
IMPORTED_WITHOUT_EFFECT = frozenset(
    {
        "aiofile", "aiofiles", "anyio", "atomicwrites", "demjson3", "hjson", "json5", "jsonpickle",
        "msgpack", "orjson", "pyjson5", "rapidjson", "ruamel", "rtoml", "simplejson", "toml",
        "tomli", "tomli_w", "tomlkit", "ujson", "yaml",
    }
)  # fmt: skip
