"""What reports a problem to a person: by logging, printing, raising an alarm or ending
the program."""

import re

# Methods of loggers, by whether they are usually visible in production.
ALARMS = frozenset({"critical", "error", "exception", "fatal", "warn", "warning"})
QUIET = frozenset({"debug", "info", "trace"})
# Of those, the ones that others than loggers have, which show it: `st.info(...)`.
QUIET_FOR_LOGGERS = frozenset({"info"})
# What a logger is called, as a word of its name or at the end of one.
LOGGER_WORDS = frozenset({"log", "logger", "logging", "loguru", "structlog"})
# Those that every logger has, whoever made it.
LOGGER_METHODS = frozenset({"critical", "debug", "error", "exception", "info", "warning"})
# What the level of a message is called where it is an argument: `logger.log(logging.ERROR, ...)`.
ALARM_LEVELS = frozenset({"CRITICAL", "ERROR", "FATAL", "WARN", "WARNING"})
# A level at which nobody hears of it, also as `LogLevel.Debug` and `xbmc.LOGDEBUG`; `.log(...)`
# without one may be of any level.
QUIET_LEVEL = re.compile(r"(\w+_|LOG)?(DEBUG|INFO|TRACE|VERBOSE)")
QUIET_NUMBERS = range(30)
# Calls that give the error that is being handled, or its text.
GIVING_THE_ERROR = frozenset(
    {"exc_info", "format_exc", "format_exception", "format_exception_only", "format_tb"}
)
# In the name of a call that logs an error: `log_trace`, `log_err`.
LOGGED = frozenset({"err", "exc", "trace", "traceback"})

# Calls that show a text to the user.
PRINTING = frozenset({"echo", "pprint", "print", "secho"})

# Other calls that report or end the program: by their last name, and by the whole one.
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
# A list of what went wrong, which is shown later: by a word in its name, and how it gets longer.
COLLECTED = frozenset({"bad", "corrupt", "error", "failed", "failure", "problem", "warning"})
COLLECTING = frozenset({"add", "append"})
# Words in the name of a call that puts the bad file aside, or something good in its place.
RESCUING = frozenset({"backup", "quarantine", "recover", "repair", "restore"})

# What a text says that is more than a progress report.
FAILURE_TEXT = re.compile(
    r"\b(bad|broken|cannot|can't|corrupt\w*|could not|couldn't|damaged|error\w*|fail\w*|invalid"
    r"|malformed|not (a )?valid|unable|unreadable|warn\w*)\b",
    re.IGNORECASE,
)

# What a logger is called by the modules that import it, and what makes one.
LOGGERS = frozenset({"LOG", "LOGGER", "_LOG", "_LOGGER", "_log", "_logger", "log", "logger"})
LOGGER_MAKERS = frozenset({"getChild", "getLogger", "get_logger", "getlogger"})

# Calls that put what they are given into a text for people or into a log: none opens a file.
SHOWING = (
    LOGGER_METHODS
    | PRINTING
    | {"format", "log", "warn", "write", "writelines", "writerow", "writerows"}
)
