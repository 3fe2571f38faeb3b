"""Names of files as they are written: printable whatever their bytes are, different for different names, and read back."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.file_names import original, readable, spelled
from snag.core.files import write_text

#: Bytes that a name may have, the odd ones often.
names = st.lists(
    st.one_of(
        st.sampled_from([b"a", b"\\", b"\\x", b"x5c", b"xf6", b"\\xf6", b"u2028", b"\n", b"\xf6", b"\x85", b"\xc2\x85"]),
        st.binary(min_size=1, max_size=4).map(lambda some: some.replace(b"\0", b"").replace(b"/", b"")),
        st.text(max_size=3).map(lambda some: some.encode("utf-8", "replace").replace(b"\0", b"").replace(b"/", b"")),
    ),
    max_size=6,
).map(b"".join)


@given(names)
def test_every_name_is_read_back(name):
    """Whatever bytes a name has, what is written for it leads back to it: so two names are never written alike."""
    assert os.fsencode(original(spelled(os.fsdecode(name)))) == name


@given(names)
def test_every_name_is_printable(name):
    """What is written is UTF-8, on one line, and has no control in it; a usual name is written as it is."""
    written = spelled(os.fsdecode(name))

    assert written.encode().decode() == written
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in written)
    assert len(written.splitlines()) <= 1


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("größe 1.png", "größe 1.png"),
        ("部品　2.png", "部品　2.png"),
        ("a\\b.png", "a\\b.png"),
        (os.fsdecode(b"gr\xf6sse.png"), "gr\\xf6sse.png"),
        ("gr\\xf6sse.png", "gr\\x5cxf6sse.png"),
        ("two\nlines.png", "two\\x0alines.png"),
        ("gnp.\u202eexe", "gnp.\\u202eexe"),
    ],
)
def test_spelling(name, written):
    """Readable names stay; what can't be printed is spelt out."""
    assert spelled(name) == written


def test_sentences_keep_their_lines():
    """A text that is written keeps its line breaks; what UTF-8 can't hold is spelt out, and only once."""
    text = "one\ntwo gr\udcf6sse"

    assert readable(text) == readable(readable(text)) == "one\ntwo gr\\xf6sse"


def test_a_file_is_written_whatever_name_stands_in_it(tmp_path):
    """After all the work the file is there, with the name spelt out, and it is UTF-8."""
    write_text(tmp_path / "list.txt", "größe, gr\udcf6sse\n")

    assert (tmp_path / "list.txt").read_bytes() == "größe, gr\\xf6sse\n".encode()
