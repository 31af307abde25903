"""Signs of code that is only for Python 2."""

import re

# Modules removed in Python 3.0. An import in a `try` or an `if` may support both.
MODULES = re.compile(
    r"^(?:import|from)[ \t]+(?:BaseHTTPServer|ConfigParser|Cookie|HTMLParser|Queue|SimpleHTTPServer"
    r"|SocketServer|StringIO|Tkinter|UserDict|__builtin__|cPickle|cStringIO|cookielib|copy_reg"
    r"|dumbdbm|htmlentitydefs|httplib|robotparser|tkFileDialog|tkMessageBox|urllib2|urlparse"
    r"|xmlrpclib)\b",
    re.MULTILINE,
)
# Removed builtins.
NAMES = frozenset(
    {"basestring", "execfile", "long", "raw_input", "reload", "unichr", "unicode", "xrange"}
)
SYNTAX = re.compile(
    r"^[ \t]*except[ \t]+(?:[\w.]+|\([\w., \t]+\))[ \t]*,[ \t]*[a-z_]\w*[ \t]*:"
    r"|\A#!.*\bpython2",
    re.MULTILINE,
)
# Idioms of old code, with weights.
HABITS = (
    (re.compile(r"\.has_key\("), 2),
    (re.compile(r"\.iter(?:items|keys|values)\("), 1),
    (re.compile(r"^from __future__ import .*\bwith_statement\b", re.MULTILINE), 1),
    (re.compile(r"\.next\(\)"), 1),
    (re.compile(r"^class \w+\(object\):", re.MULTILINE), 1),
)
# Signs that the same file is for Python 3 too.
EITHER = re.compile(
    r"\b(?:PY2|PY3|version_info|hexversion|NameError|six|future|past)\b(?!__)|\bbuiltins\b"
)
# Signs of a file that is at least as old as Python 2, although it may also run on 3.
AGE = re.compile(
    r"^from __future__ import .*\b(?:absolute_import|division|print_function|unicode_literals)\b"
    r"|^(?:import|from)[ \t]+six\b|^class \w+\(object\):|\.has_key\(|\.iteritems\("
    r"|\bHTMLParser\.HTMLParseError\b",
    re.MULTILINE,
)
