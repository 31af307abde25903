"""The features for and against a file being durable state, with weights set by hand. A feature has
a stable name, independent of the message, and a weight set from experience with such files: its
prior. `catalog.weights` has fitted weights; a feature without one keeps its prior.
"""

from enum import Enum

from atomic_fix.catalog.weights import WEIGHTS


class FeatureName(Enum):
    """A feature: its name in tables and explanations, and its weight by hand, in log odds at full
    strength."""

    label: str
    prior: float
    weight: float

    # A durable word in the path, one that needs a second feature, one that counts against; by the
    # position of the name that contains it.
    LITERAL_DURABLE = "literal-durable", 2.6
    LITERAL_MAYBE = "literal-maybe", 1.1
    LITERAL_DENIED = "literal-denied", -2.6
    CONSTANT_DURABLE = "constant-durable", 2.4
    CONSTANT_MAYBE = "constant-maybe", 1.0
    CONSTANT_DENIED = "constant-denied", -2.4
    ATTRIBUTE_DURABLE = "attribute-durable", 2.4
    ATTRIBUTE_MAYBE = "attribute-maybe", 1.0
    ATTRIBUTE_DENIED = "attribute-denied", -2.4
    VARIABLE_DURABLE = "variable-durable", 2.4
    VARIABLE_MAYBE = "variable-maybe", 1.0
    VARIABLE_DENIED = "variable-denied", -2.4
    PARAMETER_DURABLE = "parameter-durable", 2.2
    PARAMETER_MAYBE = "parameter-maybe", 0.9
    PARAMETER_DENIED = "parameter-denied", -2.2
    KEY_DURABLE = "key-durable", 1.6
    KEY_MAYBE = "key-maybe", 0.8
    KEY_DENIED = "key-denied", -1.6
    PATH_FUNCTION_DURABLE = "path-function-durable", 1.8
    PATH_FUNCTION_MAYBE = "path-function-maybe", 0.8
    PATH_FUNCTION_DENIED = "path-function-denied", -1.8

    # The same, for the code around the call.
    FUNCTION_DURABLE = "function-durable", 1.9
    FUNCTION_MAYBE = "function-maybe", 0.7
    FUNCTION_DENIED = "function-denied", -1.4
    CLASS_DURABLE = "class-durable", 1.1
    CLASS_MAYBE = "class-maybe", 0.5
    CLASS_DENIED = "class-denied", -0.8
    MODULE_DURABLE = "module-durable", 0.9
    MODULE_MAYBE = "module-maybe", 0.4
    MODULE_DENIED = "module-denied", -0.8
    CALLER_DURABLE = "caller-durable", 1.0
    CALLER_MAYBE = "caller-maybe", 0.3
    CALLERS_DENY = "callers-deny", -1.5
    FUNCTION_SAVES = "function-saves", 0.5
    FUNCTION_PROMISES = "function-promises", 1.6
    FOR_TESTING = "for-testing", -2.5
    BESIDE_PROGRAM = "beside-program", -3.0
    """What scripts of developers write is mostly under version control, or made again."""

    # The data that is written.
    DATA_DURABLE = "data-durable", 1.3
    DATA_MAYBE = "data-maybe", 0.4
    DATA_DENIED = "data-denied", -0.8
    DATA_EDITED = "data-edited", -0.8
    SERIALISED = "serialised", 0.6
    TABLE = "table", -0.8
    COPIED = "copied", -2.0
    EXTENDED = "extended", 0.4
    EXTENDED_ALONE = "extended-alone", 1.7
    """Nothing else reads it."""
    LINES_EDITED = "lines-edited", 0.6
    """Settings of a system or of another program, mostly."""
    GROWING = "growing", 3.0
    """Cancels the evidence against it from the suffix of a text for people."""
    GENERATED = "generated", 1.5
    """It is read back, and no later run can make the same again."""
    CARRIED_ON = "carried-on", 2.4
    """Cancels the evidence against it from a word for results."""
    DOWNLOADED = "downloaded", -3.0
    NOT_DOWNLOADED_AGAIN = "not-downloaded-again", 2.6
    GIVEN_AS_WHOLE = "given-as-whole", 2.6
    """Of a file that is made where it is missing."""
    RESTORED = "restored", -4.0
    ALWAYS_SAME = "always-same", -1.5
    RUNNING_PROCESS = "running-process", -4.0

    # The path.
    SUFFIX_DATA = "suffix-data", 0.3
    SUFFIX_DENIED = "suffix-denied", -3.0
    SYSTEM_TEMP = "system-temp", -1.5
    BACKUP = "backup", -4.0
    FRESH_NAME = "fresh-name", -1.6
    VOLATILE_FOLDER = "volatile-folder", -2.5

    # Other code that reads or writes the file.
    READ_BACK = "read-back", 2.6
    READ_BACK_OWN_RAW = "read-back-own-raw", 2.3
    """The program chose the path, wrote it in one function and reads it in another."""
    READ_BACK_PAIR = "read-back-pair", 2.2
    READ_BACK_SPLIT = "read-back-split", 1.9
    """An editor of the user's text does that too."""
    READ_BACK_PAIR_RAW = "read-back-pair-raw", 1.8
    READ_BACK_LINES = "read-back-lines", 2.3
    """Another method of the class reads back lines that a method writes."""
    READ_BACK_RAW = "read-back-raw", 1.7
    READ_BACK_ELSEWHERE = "read-back-elsewhere", 2.6
    READ_BACK_ELSEWHERE_RAW = "read-back-elsewhere-raw", 1.7
    REMOVED_AGAIN = "removed-again", -3.0
    READ_IN_SAME_RUN = "read-in-same-run", -1.5
    """Whoever reads it has written it before, in the same run."""
    WRITTEN = "written", 2.2
    WRITTEN_ELSEWHERE = "written-elsewhere", 2.2
    FOREIGN = "foreign", -0.85
    NOT_SEEN_READ_BACK = "not-seen-read-back", -0.35
    UNREAD = "unread", -4.0
    """The program chooses its name, and no other code of a whole project mentions that."""
    UNCALLED = "uncalled", -4.0
    """Only its callers could say what the file is, and a whole project has none."""

    # How it is written or read.
    ONLY_WHEN_MISSING = "only-when-missing", -2.6
    SECRET_WHEN_MISSING = "secret-when-missing", -1.0
    TEMP_NAME_FIRST = "temp-name-first", 0.8
    LOST_FOR_GOOD = "lost-for-good", 1.2
    """The unreadable file is overwritten or removed afterwards."""
    PARSED = "parsed", 0.6
    NOT_PARSED = "not-parsed", -0.8

    def __init__(self, label: str, prior: float) -> None:
        self.label = label
        self.prior = prior
        self.weight = WEIGHTS[label].value if label in WEIGHTS else prior
