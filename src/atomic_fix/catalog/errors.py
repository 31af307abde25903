"""Exceptions, by what they mean for a file that is being loaded."""

# "The file exists, but cannot be parsed."
CORRUPT = frozenset(
    {
        "ArrowInvalid",
        "BadGzipFile",
        "BadZipFile",
        "BadZipfile",
        "DecodeError",
        "EOFError",
        "EmptyDataError",
        "ExpatError",
        "JSONDecodeError",
        "MissingSectionHeaderError",
        "ParseError",
        "ParserError",
        "ParsingError",
        "TOMLDecodeError",
        "TomlDecodeError",
        "UnicodeDecodeError",
        "UnicodeError",
        "UnpicklingError",
        "ValidationError",
        "ValueError",
        "YAMLError",
        "binascii.Error",
        "configparser.Error",
        "csv.Error",
        "lzma.LZMAError",
        "pickle.PickleError",
        "struct.error",
        "zlib.error",
    }
)

# Those of `CORRUPT` that a handler of `ValueError` catches as well.
OF_VALUE = frozenset(
    {"JSONDecodeError", "TOMLDecodeError", "UnicodeDecodeError", "UnicodeError", "binascii.Error"}
)

# Words in the name of a project's own exception with the same meaning.
CORRUPT_WORDS = frozenset({"corrupt", "corrupted", "decode", "invalid", "malformed", "validation"})

BROAD = frozenset({"BaseException", "Exception"})

MISSING = frozenset({"FileNotFoundError", "IsADirectoryError", "NotADirectoryError"})

# Raised both for a missing file and for one that cannot be read.
OPERATING_SYSTEM = frozenset({"EnvironmentError", "IOError", "OSError", "PermissionError"})

# Handlers of these respond to a failed write, so a partial result is not needed.
WRITE_ERRORS = frozenset(
    {
        *("ArithmeticError", "EncodeError", "EnvironmentError", "Exception", "IOError"),
        *("JSONDecodeError", "MemoryError", "OSError", "OverflowError", "PermissionError"),
        *("FileNotFoundError", "IsADirectoryError", "NotADirectoryError", "BlockingIOError"),
        *("FileExistsError", "PickleError", "PicklingError", "RecursionError", "RepresenterError"),
        *("TypeError", "UnicodeEncodeError", "UnicodeError", "ValueError", "YAMLError"),
    }
)

# Exceptions that end something without meaning an error.
NO_ERRORS = frozenset(
    {"GeneratorExit", "KeyboardInterrupt", "StopAsyncIteration", "StopIteration", "SystemExit"}
)

# Names of an error variable that is raised again.
CAUGHT_ERROR_NAMES = frozenset({"e", "err", "error", "ex", "exc", "exception"})

# Words in the name of an error.
ERROR_WORDS = frozenset(
    {"error", "exception", "failed", "failure", "fault", "invalid", "warning", "corrupt", "bad"}
)

# Errors that a parser raises only for a truncated or otherwise invalid file. Those of a package are
# written `package.Error`.
BY_PARSER = {
    **dict.fromkeys(
        (
            "json", "simplejson", "ujson", "orjson", "rapidjson", "msgpack", "toml", "tomli",
            "tomllib", "tomlkit", "plistlib", "builtins", "ast", "base64", "splitlines", "split",
        ),
        ("ValueError",),
    ),
    "pickle": ("EOFError", "ValueError", "pickle.UnpicklingError"),
    "cPickle": ("EOFError", "ValueError", "pickle.UnpicklingError"),
    "cloudpickle": ("EOFError", "ValueError", "pickle.UnpicklingError"),
    "dill": ("EOFError", "ValueError", "pickle.UnpicklingError"),
    "marshal": ("EOFError", "ValueError"),
    "yaml": ("ValueError", "yaml.YAMLError"),
    "ConfigParser": ("ValueError", "configparser.Error"),
    "Path": ("ValueError",),
    "open": ("ValueError",),
}  # fmt: skip

# Libraries that raise almost anything for a corrupt file, and an `OSError` for a missing one.
RAISING_ANYTHING = frozenset({"joblib", "torch", "numpy", "pandas", "polars", "safetensors"})

# Errors raised when data is used: it may be valid, but lack a key.
SHAPE_ERRORS = ("AttributeError", "LookupError", "TypeError")

# Errors that only a parser raises, so the path was computed successfully.
PARSER_ERRORS = frozenset(
    {
        "BadGzipFile", "BadZipFile", "EOFError", "EmptyDataError", "JSONDecodeError",
        "ParserError", "TOMLDecodeError", "TomlDecodeError", "UnpicklingError", "YAMLError",
        "pickle.PickleError", "zlib.error",
    }
)  # fmt: skip

# A handler of one of these also catches what a truncated file raises.
TRUNCATION_ERRORS = frozenset(
    {"Exception", "JSONDecodeError", "UnpicklingError", "ValueError", "YAMLError"}
)

# Errors that nothing but a parser raises.
PARSER_ONLY_ERRORS = frozenset({"JSONDecodeError", "UnicodeDecodeError", "UnpicklingError"})
