"""Regular expressions for comments and docstrings about files that cannot be read, or are written
in one step."""

import re

# A remark that shows that bad files were considered.
DECIDED = re.compile(
    r"\b(another version|any reason|as if|bad|best[- ]effort|broken"
    r"|(can|could)( ?no|n?')t be (read|parsed|loaded|decoded)|corrupt\w*|counts? as|cut short"
    r"|damaged|default\w*|empty (dict|list|state)|errors?|fail\w*|falls?[- ]?back"
    r"|fallback|garbage|graceful\w*|half[- ]written|ignor\w*|incompatib\w*|interrupted|invalid"
    r"|legacy|lenient|malformed|same as|treat\w*|unable|(un)?usable|whatever"
    r"|must(n't| not)|never|not (be )?(raised?|valid|readable)|partial\w*|rais\w+|silent\w*"
    r"|skip\w*|start(s|ing)? (over|fresh|anew|again|empty)|tolera\w+|torn|truncat\w*"
    r"|un(parse?able|readable))\b",
    re.IGNORECASE,
)
# A sentence that names the default before a condition: "or None if it makes no sense".
DEFAULT_IF = re.compile(
    r"(\b(none|nothing|empty|null|zeros?|fresh|new)\b|\{\}|\[\])[^.;]*\b(if|unless|when\w*|where)\b"
    r"|\b(if|unless|when\w*|where)\b[^.;]*(\b(none|nothing|empty|null|zeros?|fresh|new)\b|\{\}|\[\])",
    re.IGNORECASE,
)
# ... and the condition may be that there is no file.
ABSENCE = re.compile(
    r"\b(absent|missing|first (run|start|time)|yet|no file"
    r"|(has|have|is|was|were|there'?s) (no|none)|no \w*\s?(checkpoint|state|file)s?"
    r"|not (be )?(found|there|exist\w*|present|saved|written)"
    r"|(doesn't|don't|didn't|isn't) (exist\w*|there|present))\b",
    re.IGNORECASE,
)
# A remark on a whole class or module has to name the bad file, and what happens to it.
BAD_FILE = re.compile(
    r"\b(bad|broken|corrupt\w*|cut short|damaged|garbage|half[- ]written|invalid|interrupted"
    r"|malformed|partial\w*|torn|truncat\w*|un(parse?able|readable|usable))\b",
    re.IGNORECASE,
)
ANSWER = re.compile(
    r"\b(absent|as if|count\w*|default\w*|discard\w*|empty|fallback|falls? back|fresh|ignor\w*"
    r"|missing|never|none|not|skip\w*|start\w*|toler\w+|treat\w*)\b",
    re.IGNORECASE,
)
NEVER_RAISES = re.compile(
    r"\b(never|(does|do|must|may|should|will|can) ?n[o']t) (\w+ )?(fails?|raises?|throws?)\b",
    re.IGNORECASE,
)
# "returning {} on any read or parse error".
ON_ERROR = re.compile(
    r"\b(on|upon|in case of|for|after) (an |a |any |all )?([\w/-]+( or | and |, ?|/))*"
    r"(decod\w+|i/?o|json\w*|load\w*|pars\w+|read\w*|unpickl\w+|yaml|toml)"
    r"(( or | and |, ?|/)[\w-]+)* (error|exception|failure)s?\b",
    re.IGNORECASE,
)
SILENT = re.compile(r"\b(silent|silently|quietly)\b", re.IGNORECASE)
# A remark that a file written by an older version, which is not corrupt, does not parse either.
OLDER_FORMAT = re.compile(
    r"\b(legacy|old(er)?|previous|earlier)[- ](\w+[- ])?"
    r"(encoding|format|layout|schema|version)s?\b",
    re.IGNORECASE,
)
# What a remark at a handler says happens to a bad file, without naming the file.
CONSEQUENCE = re.compile(
    r"\b(best[- ]effort|never (abort|block|break|crash|fail|prevent|raise|stop)s?"
    r"|(must|should|do|does) ?n[o']t (abort|block|break|crash|fail|prevent|raise|stop)"
    r"|(counts?|treat\w*) as|fall(s|ing)? ?back|(could ?n[o']t|can ?n[o']t|unable to|fail\w* to)"
    r" (be )?(decode|load|open|parse|read)\w*|non[- ]fatal"
    r"|re-?(build|compute|create|download|fetch|generate)\w*"
    r"|start(s|ing)? (over|fresh|anew|again|empty|from scratch))\b",
    re.IGNORECASE,
)
# A remark that a file is meant to be complete at any time.
PROMISES_ATOMICITY = re.compile(
    r"(?<!not )(?<!non-)(?<!non )\batomic(ally)?\b|\b(safe|safely) (replace|save|write)\b"
    r"|\b(avoid|prevent)(s|ing)? (\w+ ){0,3}(corrupt\w*|half[- ]written|partial\w*|truncat\w*)\b",
    re.IGNORECASE,
)
