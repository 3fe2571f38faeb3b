"""What the documents say of the line is what it does."""

import dataclasses
import json
import re

from snag.line.configuration import read_configuration
from snag.line.event import LineEvent
from snag.line.sinks.kinds import KINDS
from tests.support.source import ROOT

PAGE = (ROOT / "docs" / "how-to" / "line.md").read_text()
REFERENCE = (ROOT / "docs" / "reference" / "line.md").read_text()


def test_the_whole_file_is_right(tmp_path):
    """The file of the how-to is one that the line takes, with every sink that there is."""
    [text] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)
    (tmp_path / "line.toml").write_text(text)

    found = read_configuration(tmp_path / "line.toml")

    assert set(found.sinks) == set(KINDS)
    assert found.names == ["station-1", "top", "side"]


def test_the_event_has_fields_that_there_are():
    """The event of the how-to has fields that there are, and the reference has all, each with its meaning."""
    [text] = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
    fields = [field.name for field in dataclasses.fields(LineEvent)]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", REFERENCE.split("## An event")[1].split("## Troubles")[0], re.M)

    assert set(json.loads(text)) <= set(fields)
    assert [name for name, _ in rows] == fields
