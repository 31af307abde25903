"""What calls do with their arguments, by the last part of their names. Rows, no logic."""

# Calls that end the program or replace it by another one, by their full names.
EXIT_CALLS = frozenset(
    {
        "os._exit",
        "os.abort",
        "os.execl",
        "os.execle",
        "os.execlp",
        "os.execv",
        "os.execve",
        "os.execvp",
        "os.execvpe",
        "sys.exit",
        "builtins.exit",
        "builtins.quit",
    }
)

# Calls that get a path, or compute another one, without opening anything.
NOT_OPENING = frozenset(
    {
        *("Path", "PurePath", "PurePosixPath", "abspath", "absolute", "as_posix", "as_uri"),
        *("basename", "commonpath", "dirname", "expanduser", "expandvars", "fspath", "fsdecode"),
        *("fsencode", "is_absolute", "is_relative_to", "joinpath", "match", "normcase"),
        *("normpath", "realpath", "relative_to", "relpath", "resolve", "splitext", "with_name"),
        *("with_stem", "with_suffix"),
        *("add", "append", "bool", "count", "dict", "discard", "encode", "endswith", "extend"),
        *("get", "hash", "id", "index", "isinstance", "join", "len", "list", "lower", "lstrip"),
        *("pop", "quote", "remove_prefix", "removeprefix", "removesuffix", "repr", "rpartition"),
        *("partition", "rsplit", "rstrip", "set", "setdefault", "sorted", "split", "startswith"),
        *("str", "strip", "tuple", "type", "update", "upper", "zfill"),
    }
)

# The same path in another form.
SAME_PATH = frozenset(
    {
        *("Path", "PurePath", "absolute", "abspath", "as_posix", "expanduser", "fspath", "quote"),
        *("realpath", "resolve", "str"),
    }
)

# Calls that ask whether there is a file.
ASKING = frozenset({"exists", "is_file", "isfile"})

# Calls that list a folder.
LISTING = frozenset({"fwalk", "glob", "iglob", "iterdir", "listdir", "rglob", "scandir", "walk"})

# Calls that iterate over their argument only later.
LAZY = frozenset(
    {
        *("DictReader", "TextIOWrapper", "chain", "cycle", "enumerate", "filter", "islice"),
        *("iter", "map", "partial", "reader", "starmap", "takewhile", "tee", "zip"),
    }
)

# Calls that return a random value, another one each time.
GENERATING = frozenset(
    {
        *("generate_key", "generate_private_key", "get_random_bytes", "get_random_secret_key"),
        *("get_random_string", "randbytes", "token_bytes"),
        *("token_hex", "token_urlsafe", "urandom", "uuid1", "uuid4"),
    }
)

# Calls that inspect a file.
INSPECTING_A_FILE = frozenset({"exists", "is_file", "lstat", "read_bytes", "read_text", "stat"})

# Calls that put the content of a file on disk.
SYNCING = frozenset({"fsync", "fdatasync", "fullfsync"})

# Calls that lock a file by its descriptor.
LOCKING = frozenset({"flock", "lockf", "locking"})

# Calls that store their argument for later.
KEEPING = frozenset(
    {
        *("FileHandler", "Popen", "Process", "StreamHandler", "Thread", "Timer", "addHandler"),
        *("add_done_callback", "append", "create_task", "enter_context", "push", "put", "register"),
        *("send", "setStream", "set_stream", "setdefault", "submit"),
    }
)

# Calls that move or remove a file.
MOVING = frozenset({"unlink", "remove", "rename", "replace", "move", "rmtree"})

# Calls that read a file without parsing it.
READING = frozenset(
    {
        "open", "load", "loads", "safe_load", "full_load", "read", "readlines", "read_text",
        "read_bytes", "decode", "exists", "isfile", "isdir", "stat", "getmtime", "getsize", "time",
        "get", "str", "len", "isinstance", "close", "is_file", "strip",
        "dict", "list", "set", "tuple", "int", "float", "bool",
    }
)  # fmt: skip

# Calls that raise `ValueError` for an invalid argument.
RAISING_VALUE_ERRORS = frozenset(
    {
        "int", "float", "Decimal", "UUID", "fromisoformat", "strptime", "loads", "literal_eval",
        "json", "parse", "fromhex", "b64decode", "fromtimestamp",
    }
)  # fmt: skip

# Of these, the ones that convert a value of the data.
CONVERTING = frozenset(
    {"int", "float", "Decimal", "UUID", "fromisoformat", "strptime", "fromhex", "fromtimestamp"}
)

# Calls that write a file.
WRITING = frozenset({"dump", "save", "savez", "store", "write", "writeline"})

# Words in the names of functions that may write the file whose path they get.
CHANGING_A_FILE = frozenset(
    {
        *("add", "append", "compress", "convert", "edit", "embed", "encrypt", "modify", "optimise"),
        *("optimize", "patch", "rewrite", "save", "sign", "strip", "tag", "transform", "truncate"),
        *("update", "write"),
    }
)

# Calls that parse a file.
PARSING = frozenset({"full_load", "load", "loads", "safe_load"})

# Calls that return the same path, and raise nothing that a handler of loads catches.
RETURNING_A_PATH = frozenset(
    {
        "Path", "PurePath", "absolute", "abspath", "basename", "dirname", "expanduser", "fspath",
        "join", "joinpath", "realpath", "resolve", "str",
    }
)  # fmt: skip

# Calls that build text.
RETURNING_A_TEXT = frozenset(
    {
        "exists", "home", "is_dir", "isdir", "isfile", "is_file", "lower", "makedirs", "mkdir",
        "replace", "strip", "sub", "upper",
    }
)  # fmt: skip

# Methods of a path that change its name.
CHANGING_THE_NAME = frozenset({"with_suffix", "with_name", "with_stem"})

# Calls that return a path with the same ending.
SAME_ENDING = frozenset({"Path", "PurePath", "str", "fspath", "abspath", "realpath", "expanduser"})

# Calls that return the content of a file: the same each time, unless the file has changed.
RETURNING_CONTENT = frozenset(
    {"open", "read", "read_bytes", "read_text", "load", "loads", "Path", "join"}
)

# Context managers that silently suppress errors.
SUPPRESSING = frozenset({"suppress", "ignored", "ignoring"})

# Calls that create something empty, or copy a default.
MAKING_EMPTY = frozenset(
    {
        *("Counter", "OrderedDict", "copy", "deepcopy", "defaultdict", "deque"),
        *("dict", "list", "set", "tuple"),
    }
)

# Methods of a handle that read.
READING_METHODS = frozenset({"read", "readline", "readlines", "readinto", "__next__"})

# Methods of a handle that write.
WRITING_METHODS = frozenset({"write", "writelines"})

WRAPPING_A_HANDLE = frozenset({"closing", "enter_async_context", "enter_context", "TextIOWrapper"})
"""Calls that return the handle that they get."""

# Calls that never raise `ValueError` because of the content of a file.
RAISING_NO_VALUE_ERROR = frozenset(
    {
        "Path", "bool", "close", "decode", "dict", "exists", "expanduser", "get", "is_file",
        "isfile", "isinstance", "items", "join", "keys", "len", "list", "open", "read",
        "read_bytes", "read_text", "set", "str", "strip", "tuple", "values",
    }
)  # fmt: skip

# Of `NOT_OPENING`, the ones that change the object.
CHANGING_A_CONTAINER = frozenset(
    {"add", "append", "discard", "extend", "pop", "setdefault", "update"}
)

# Calls that read the file at a path.
READING_A_PATH = frozenset({"open", "read_text", "read_bytes"})

# Words in the name of a call that waits for changes of the file that it gets.
WATCHING = frozenset({"awatch", "inotify", "monitor", "watch", "watcher"})
# Calls that run a program and raise if it fails.
CHECKING = frozenset({"check_call", "check_output"})
# Calls that wait for a user, who may interrupt them.
WAITING_FOR_A_PERSON = frozenset(
    {"builtins.input", "click.confirm", "click.pause", "click.prompt", "getpass.getpass", "input"}
)
