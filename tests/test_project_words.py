"""The words and functions that a project can configure."""

from __future__ import annotations

from atomic_fix.check import check_bytes
from atomic_fix.config import Config


def codes(source: str, config: Config) -> list[str]:
    result = check_bytes(source.encode(), "app/files.py", config)
    return [finding.code for finding in result.findings]


WRITE = "import json\ndef put(breadcrumbs, x):\n    breadcrumbs.write_text(json.dumps(x))\n"


def test_a_durable_word_makes_a_finding() -> None:
    assert codes(WRITE, Config()) == []
    assert codes(WRITE, Config(durable_words=("breadcrumbs",))) == ["ATF101"]


def test_a_denied_word_silences_one() -> None:
    source = WRITE.replace("breadcrumbs", "state_file")
    assert codes(source, Config()) == ["ATF101"]
    assert codes(source, Config(not_durable_words=("state",))) == []


def test_a_saver_is_known_by_its_name_and_position() -> None:
    source = "from vault import keep\ndef go(x, state_path):\n    keep(x, state_path)\n"
    assert codes(source, Config()) == []
    assert codes(source, Config(savers=("vault.keep:1",))) == ["ATF102"]
    assert codes(source, Config(savers=("vault.keep",))) == []


def test_a_saver_may_be_a_method_of_any_object() -> None:
    source = "def go(box, state_path):\n    box.keep(state_path)\n"
    assert codes(source, Config(savers=(".keep",))) == ["ATF102"]


def test_a_loader_is_known_by_its_name() -> None:
    source = (
        "from vault import unseal\n"
        "def go(state_path):\n"
        "    try:\n"
        "        return unseal(state_path)\n"
        "    except ValueError:\n"
        "        return None\n"
    )
    assert codes(source, Config()) == []
    assert codes(source, Config(loaders=("vault.unseal",))) == ["ATF201"]


def test_an_atomic_helper_is_vouched_for() -> None:
    source = (
        "import json\n"
        "def write_atomically(state_path, x):\n"
        "    state_path.write_text(json.dumps(x))\n"
    )
    assert codes(source, Config()) == ["ATF101"]
    assert codes(source, Config(atomic_helpers=("app.files.write_atomically",))) == []


def test_confidence_below_the_threshold_is_not_reported() -> None:
    source = WRITE.replace("breadcrumbs", "state_file")
    assert codes(source, Config(min_confidence=0.99)) == []


def test_durability_atomic_turns_unsynced_replace_off() -> None:
    source = (
        "import os\n"
        "def save(state_path, text):\n"
        "    tmp = state_path.with_suffix('.tmp')\n"
        "    tmp.write_text(text)\n"
        "    os.replace(tmp, state_path)\n"
    )
    assert codes(source, Config()) == ["ATF115"]
    assert codes(source, Config(durability="atomic")) == []
