"""Words that say whether a file is durable state, and what functions and values are for. Lower
case, singular; phrases are joined by a space ("last run"). The weight of each kind of place
is in `facts.evidence`."""

# Durable state that programs rarely share with others, so that a loader is recognised by its name
# even if no known code writes the file.
OWN = frozenset(
    {
        "bookmark",
        "checkpoint",
        "checkpointer",
        "chkpt",
        "ckpt",
        "cursor",
        "high water mark",
        "last id",
        "last run",
        "last seen",
        "last sync",
        "resume",
        "rng state",
        "savegame",
        "state",
        "sync state",
        "trainer state",
        "watermark",
    }
)

# A name with one of these is enough to call a file durable state.
DURABLE = OWN.union(
    {
        "autosave",
        "credential",
        "dead letter",
        "history",
        "journal",
        "ledger",
        "manifest",
        "offset",
        "optimizer",
        "persistence",
        "private key",
        "progress",
        "queue",
        "registry",
        "scheduler",
        "session",
        "snapshot",
    }
)

# A name with one of these makes it likely; a second feature is needed.
MAYBE_DURABLE = frozenset(
    {
        "account",
        "archive",
        "auth",
        "backlog",
        "bundle",
        "cache",
        "catalog",
        "catalogue",
        "cfg",
        "conf",
        "config",
        "configuration",
        "conversation",
        "cookie",
        "counter",
        "data",
        "database",
        "dataset",
        "db",
        "embedding",
        "favorite",
        "favourite",
        "fingerprint",
        "index",
        "inventory",
        "job",
        "key",
        "lockfile",
        "mapping",
        "memory",
        "meta",
        "metadata",
        "model",
        "pending",
        "persist",
        "playlist",
        "preference",
        "pref",
        "processed",
        "profile",
        "record",
        "recovery",
        "replay",
        "scenario",
        "schedule",
        "secret",
        "seen",
        "setting",
        "stat",
        "storage",
        "store",
        "subscription",
        "sync",
        "task",
        "todo",
        "token",
        "tracker",
        "trial",
        "user",
        "vault",
        "visited",
        "vocab",
        "watchlist",
        "weight",
        "workflow",
    }
)

# A path with one of these is something else: made for people, recreated, or temporary.
NOT_DURABLE = frozenset(
    {
        "artifact",
        "asset",
        "backup",
        "badge",
        "bak",
        "benchmark",
        "build",
        "bytecode",
        "card",
        "changelog",
        "chart",
        "debug",
        "diagram",
        "dist",
        "doc",
        "download",
        "dummy",
        "error",
        "example",
        "export",
        "exported",
        "figure",
        "fixture",
        "graphviz",
        "generate",
        "generated",
        "html",
        "hub",
        "icon",
        "ipc",
        "image",
        "img",
        "install",
        "license",
        "log",
        "logging",
        "markdown",
        "mock",
        "notebook",
        "outfile",
        "output",
        "pdf",
        "photo",
        "pic",
        "picture",
        "plot",
        "preview",
        "print",
        "push",
        "pyc",
        "readme",
        "render",
        "rendered",
        "report",
        "requirement",
        "schema",
        "scratch",
        "screenshot",
        "script",
        "stderr",
        "stdout",
        "subprocess",
        "summary",
        "svg",
        "template",
        "test",
        "testdata",
        "testfile",
        "thumbnail",
        "tmp",
        "temp",
        "temporary",
        "trace",
        "transcript",
        "upload",
        "video",
        "wheel",
    }
)

# Of those, the ones for results, which may also be what a later run goes on with.
RESULTS = frozenset({"benchmark", "export", "outfile", "output", "report", "summary", "transcript"})

# Of those, the ones that do not count as a verb in a function's name.
VERBS = frozenset({"build", "generate", "install"})

# Values that a program generates once and cannot generate again, so a torn file stays torn.
SECRETS = frozenset({"credential", "identity", "key", "password", "pem", "salt", "secret", "token"})

# A durable word that is followed by one of these names something else: `session_id`.
NAMING = frozenset({"id", "uid", "url", "uuid"})

# Arguments that are objects, not parts of a path, when passed to a function that finds a path.
SERVICES = frozenset({"db_session", "queue", "registry", "scheduler", "session"})

# Names of files that come with the program and are copied.
ORIGINALS = frozenset({"default", "example", "sample", "skeleton", "template"})

# Words in the name of a call that creates a folder or entry which is published at the end of the
# `with` statement.
STAGING = frozenset(
    {"begin", "create", "new", "stage", "staged", "staging", "temp", "temporary", "tmp"}
)

# Folders that the system empties at boot, or the program at exit.
VOLATILE = frozenset(
    f"{word} {place}"
    for word in ("runtime", "scratch", "temp", "temporary", "tmp")
    for place in ("dir", "directory", "folder", "location")
).union({"ipc"})

# Folders with virtual files of the kernel.
KERNEL_FILES = frozenset({"proc path", "proc root", "procfs", "sysfs"})

# Names of texts that are program source: they are edited, not saved as state.
SOURCE_TEXT = frozenset({"code", "notebook", "source", "src"})

# Files of a running program, worthless after a crash.
RUNNING = frozenset(
    {
        "container id",
        "devnull",
        "lock",
        "marker",
        "mutex",
        "pid",
        "pidfile",
        "port",
        "sentinel",
        "socket",
    }
)

# pytest's own fixtures for scratch folders, which tests have as parameters.
SCRATCH_FIXTURES = frozenset({"tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory"})

# Suffixes of files that programs write for people, browsers, compilers or other tools.
NOT_DURABLE_SUFFIXES = frozenset(
    {
        ".adoc",
        ".bat",
        ".c",
        ".cpp",
        ".css",
        ".dot",
        ".gif",
        ".h",
        ".htm",
        ".html",
        ".ipynb",
        ".jpeg",
        ".jpg",
        ".js",
        ".lock",
        ".log",
        ".md",
        ".mp3",
        ".mp4",
        ".pdf",
        ".pid",
        ".png",
        ".po",
        ".pot",
        ".ps1",
        ".py",
        ".pyc",
        ".pyi",
        ".rst",
        ".sh",
        ".srt",
        ".svg",
        ".tex",
        ".ts",
        ".tsv",
        ".vtt",
        ".wav",
        ".webp",
        ".whl",
        ".xlsx",
    }
)

# Suffixes of formats that programs load back.
DATA_SUFFIXES = frozenset(
    {
        ".bin",
        ".cache",
        ".ckpt",
        ".dat",
        ".db",
        ".h5",
        ".hdf5",
        ".ini",
        ".joblib",
        ".json",
        ".jsonl",
        ".msgpack",
        ".npy",
        ".npz",
        ".p",
        ".parquet",
        ".pickle",
        ".pkl",
        ".pt",
        ".pth",
        ".safetensors",
        ".state",
        ".toml",
        ".yaml",
        ".yml",
    }
)

# Words for a temp file, to be published under another name.
TEMP = frozenset({"incomplete", "new", "part", "partial", "swp", "temp", "temporary", "tmp"})

# Words for a backup copy.
BACKUP = frozenset(
    {
        "backup",
        "bad",
        "bak",
        "bkp",
        "broken",
        "copy",
        "corrupt",
        "corrupted",
        "invalid",
        "old",
        "orig",
        "quarantine",
    }
)

# Words in a function's name that say that it saves something.
SAVE_VERBS = frozenset({"commit", "persist", "save", "store", "sync"})

# Words in a function's name that promise its callers an atomic write.
PROMISING_ATOMICITY = frozenset({"atomic", "atomically", "durable", "safe", "safely"})

# Words in the name of a function that say how it saves or loads, not what.
MANNERS = PROMISING_ATOMICITY | {"reliably", "robust", "robustly", "secure", "securely"}

# Words in the name of a function that returns its path argument in another form.
SAME_PATH = frozenset(
    {"abs", "absolute", "abspath", "expand", "expanduser", "normalise", "normalize", "resolve"}
)

# Words that begin the name of a function that loads the content of a path.
LOADING = frozenset(
    {"decode", "deserialize", "from", "load", "parse", "read", "restore", "unpickle"}
)

# The inputs of `from_name`, `from_dict` and the like, which are not files.
NOT_FILES = frozenset(
    {"arg", "dict", "env", "filename", "id", "mapping", "name", "object", "str", "string"}
)

# Words in a name that say it holds a path.
PATHS = frozenset(
    {
        "dir",
        "directory",
        "dst",
        "file",
        "filename",
        "filepath",
        "fname",
        "folder",
        "fp",
        "location",
        "path",
        "target",
    }
)

# Words in the name of a call that returns a path.
PATH_WORDS = frozenset({"path", "file", "filename", "dir", "folder", "location"})

FOLDERS = frozenset({"dir", "directory", "folder", "root", "tree"})

# Words in the name of a predicate.
ASKING = frozenset({"can", "check", "exist", "has", "is", "valid", "validate", "verify"})

# Words in the name of a predicate that is true for a bad file.
BROKEN = frozenset(
    {
        "bad", "broken", "corrupt", "corrupted", "damaged", "invalid", "malformed", "torn",
        "truncated", "unparsable", "unparseable", "unreadable",
    }
)  # fmt: skip

# Words in the name of a function that converts data loaded just before.
SHAPING = frozenset({"decode", "deserialize", "from", "parse", "validate"})

# Words in the name of a call that can reject the text of a file.
INTERPRETING = SHAPING | frozenset(
    {
        "convert", "decompress", "decrypt", "eval", "exec", "fernet", "float", "int", "json",
        "load", "map", "pickle", "restore", "split", "splitline", "strptime", "toml",
        "unpack", "unpickle", "yaml",
    }
)  # fmt: skip

# Files that describe a project, by their full names, in lower case.
VERSIONED_FILES = frozenset(
    {
        ".gitattributes", ".gitignore", ".pre-commit-config.yaml", "appxmanifest.xml", "cargo.toml",
        "changelog", "changelog.txt", "manifest.in", "package.json", "pyproject.toml",
        "requirements.txt", "setup.cfg", "version", "version.json", "version.txt",
    }
)  # fmt: skip

# Words for files that can be recreated: a broken one is a cache miss.
CACHE = frozenset({"cache", "cached", "caching", "memo", "memoize"})

# ... unless one of these says that it contains unique data.
KEPT_IN_CACHES = frozenset(
    {
        "checkpoint", "cookie", "credential", "history", "offset", "progress", "queue", "session",
        "state", "token",
    }
)  # fmt: skip

# Words for a file without which a long job starts over.
CHECKPOINT = frozenset({"checkpoint", "checkpointer", "chkpt", "ckpt"})

# In the name of a function that loads a checkpoint.
RESUMING = frozenset({"get", "load", "read", "restore", "resume"})

# In the name of a call that waits before the next try.
WAITING = frozenset({"backoff", "delay", "pause", "sleep", "wait"})

# In the name of a call by which a loop waits for its next round.
PAUSING = WAITING | {"select", "timeout"}

# In the name of a function that runs again and again.
POLLING = frozenset({"heartbeat", "poll", "polling", "tick"})

# Words in the name of a scheduler function or decorator: `call_later`, `every`.
SCHEDULING = frozenset({
    "after", "cron", "every", "interval", "later", "periodic", "repeat", "repeating", "schedule",
    "scheduled", "timeout", "timer",
})  # fmt: skip

# In the name of a call that makes another attempt: `raw_decode`, `load_backup`.
ATTEMPTING = frozenset({"decode", "load", "recover", "restore", "salvage", "unpickle"})

# Words in the name of a call or value that replaces data that could not be loaded.
DEFAULT = frozenset(
    {
        *("blank", "default", "empty", "fresh", "init", "initial", "initialise", "initialize"),
        *("new", "null", "reset"),
    }
)

# Words for the input and the output of a conversion, which are two files.
INPUT = frozenset({"in", "infile", "input", "source", "src"})
OUTPUT = frozenset({"dest", "destination", "dst", "out", "outfile", "output", "target"})

# Calls that write a file.
WRITING = frozenset({"dump", "encode", "save", "serialise", "serialize", "store", "write"})

# Names of handles that say nothing about the content.
GENERIC_HANDLE_NAMES = frozenset({"out", "outfile", "output"})

# Receivers of `write_bytes` and `.open(...)` that are not paths.
NOT_PATHS = frozenset(
    {
        "archive",
        "buf",
        "buffer",
        "conn",
        "connection",
        "fs",
        "filesystem",
        "protocol",
        "request",
        "resp",
        "response",
        "sock",
        "socket",
        "stream",
        "tar",
        "transport",
        "webbrowser",
        "writer",
        "zf",
        "zip",
    }
)

# Words for predicates, or functions that search several files.
PROBING = ASKING | frozenset(
    {
        "all", "any", "best", "candidate", "default", "detect", "discover", "find", "iter", "last",
        "latest", "list", "maybe", "newest", "none", "optional", "or", "peek", "probe", "safe",
        "scan", "search", "try", "unreadable",
    }
)  # fmt: skip

# Pairs of words for functions that save and load the same data.
ANSWERS = {
    "save": ("load", "restore", "read", "resume", "open", "recover"),
    "dump": ("load", "read"),
    "write": ("read", "load", "parse"),
    "store": ("load", "restore", "retrieve", "read", "fetch"),
    "persist": ("load", "restore", "read"),
    "serialize": ("deserialize", "load"),
    "put": ("get", "load"),
    "flush": ("load", "read"),
    "sync": ("load", "read"),
    "commit": ("load", "read"),
    "to": ("from",),
    "overwrite": ("load", "read"),
    "setitem": ("getitem",),
    "enqueue": ("dequeue",),
    "set": ("get", "load", "read"),
}

# Words in which `save_to_json` and `load_from_file` may differ.
FORMATS = frozenset(
    {
        "all",
        "byte",
        "content",
        "data",
        "disk",
        "file",
        "from",
        "json",
        "path",
        "pickle",
        "text",
        "to",
        "toml",
        "yaml",
    }
)

# Words in the names of functions of a file system layer, which is not a store itself.
PRIMITIVE = frozenset({"write", "text", "byte", "content", "data", "file"})

# In the name of a descriptor.
DESCRIPTORS = frozenset({"descriptor", "fd", "fdno", "fileno"})
