"""Exceptions, by what they say of a file that was being loaded."""

# "It is there, but it cannot be read as what it should be."
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

# Words in the name of a project's own exception that say the same.
CORRUPT_WORDS = frozenset({"corrupt", "corrupted", "decode", "invalid", "malformed", "validation"})

# "It has not the shape that was expected": counts when the load itself is in the `try`.
WRONG_SHAPE = frozenset({"AttributeError", "IndexError", "KeyError", "LookupError", "TypeError"})

BROAD = frozenset({"BaseException", "Exception"})

MISSING = frozenset({"FileNotFoundError", "IsADirectoryError", "NotADirectoryError"})

# Raised for a missing file and for one that cannot be read alike.
OPERATING_SYSTEM = frozenset({"EnvironmentError", "IOError", "OSError", "PermissionError"})
