"""Calls that report a problem to a person: by logging, printing, raising an alarm or ending the
program."""

import re

# Methods of loggers, by whether they are usually visible in production.
ALARMS = frozenset({"critical", "error", "exception", "fatal", "warn", "warning"})
QUIET = frozenset({"debug", "info", "trace"})
# Of those, the ones that other objects have to show a message: `st.info(...)`.
QUIET_FOR_LOGGERS = frozenset({"info"})
# Names of loggers, as a word of the name or at its end.
LOGGER_WORDS = frozenset({"log", "logger", "logging", "loguru", "structlog"})
# Methods that every kind of logger has.
LOGGER_METHODS = frozenset({"critical", "debug", "error", "exception", "info", "warning"})
# Levels of a message given as an argument: `logger.log(logging.ERROR, ...)`.
ALARM_LEVELS = frozenset({"CRITICAL", "ERROR", "FATAL", "WARN", "WARNING"})
# A level that is usually not shown, also as `LogLevel.Debug` and `xbmc.LOGDEBUG`; `.log(...)`
# without one may have any level.
QUIET_LEVEL = re.compile(r"(\w+_|LOG)?(DEBUG|INFO|TRACE|VERBOSE)")
QUIET_NUMBERS = range(30)
# Calls that return the error being handled, or its text.
GIVING_THE_ERROR = frozenset(
    {"exc_info", "format_exc", "format_exception", "format_exception_only", "format_tb"}
)
# Words in the name of a call that logs an error: `log_trace`, `log_err`.
LOGGED = frozenset({"err", "exc", "trace", "traceback"})

# Calls that show a text to the user.
PRINTING = frozenset({"echo", "pprint", "print", "secho"})

# Other calls that report or end the program: by their last name, and by the full one.
METHODS = ALARMS | {"abort", "capture_exception"}
CALLS = frozenset(
    {
        "builtins.SystemExit",
        "builtins.exit",
        "builtins.quit",
        "os._exit",
        "sentry_sdk.capture_exception",
        "sys.exit",
        "sys.stderr.write",
        "traceback.print_exc",
        "traceback.print_exception",
        "warnings.warn",
    }
)
# Words in a called function's name that say so.
WORDS = frozenset(
    {"abort", "alert", "complain", "die", "error", "fail", "fatal", "notify", "warn", "warning"}
)
# Pairs of words in the name of a call that opens a window with a message.
WINDOWS = (frozenset({"message", "dialog"}), frozenset({"message", "box"}))
# A list of problems that is shown later: words in its name, and methods that extend it.
COLLECTED = frozenset({"bad", "corrupt", "error", "failed", "failure", "problem", "warning"})
COLLECTING = frozenset({"add", "append"})
# Words in the name of a call that moves the bad file away, or replaces it by a good one.
RESCUING = frozenset({"backup", "quarantine", "recover", "repair", "restore"})

# Words in a text that is more than a progress message.
FAILURE_TEXT = re.compile(
    r"\b(bad|broken|cannot|can't|corrupt\w*|could not|couldn't|damaged|error\w*|fail\w*|invalid"
    r"|malformed|not an? [a-z ]+|not valid|unable|unreadable|warn\w*"
    # Common words of other languages that have no letters of their own.
    r"|besch[aä]digt\w*|corrompu\w*|corrott\w*|defekt\w*|erreurs?|erro|errore|fallo|fehler\w*"
    r"|hata|impossib\w+|invalid[aeo]s?|uszkodzon\w*|ung[uü]ltig\w*)\b",
    re.IGNORECASE,
)

# Names of an imported logger, and functions that create one.
LOGGERS = frozenset({"LOG", "LOGGER", "_LOG", "_LOGGER", "_log", "_logger", "log", "logger"})
LOGGER_MAKERS = frozenset({"getChild", "getLogger", "get_logger", "getlogger"})

# Calls that put their arguments into a text for people or into a log: none opens a file.
SHOWING = (
    LOGGER_METHODS
    | PRINTING
    | {"format", "log", "warn", "write", "writelines", "writerow", "writerows"}
)

# Packages that draw on the whole terminal.
SCREENS = ("asciimatics", "blessed", "curses", "npyscreen", "textual", "urwid")
