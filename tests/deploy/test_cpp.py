"""The C++ example: built by the line that its page shows, it prints the score of `snag.load` without Python."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import snag
from tests.support.source import ROOT
from tests.support.trained import Trained

HEADERS = [Path(torch.__file__).parent / "include/torch/csrc/jit/serialization/import.h", Path("/usr/include/png.h")]
pytestmark = [
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++"),
    *[pytest.mark.skipif(not header.exists(), reason=f"needs {header}") for header in HEADERS],
]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built by what is to be typed; only the interpreter's name and the program's place are this test's."""
    [typed] = re.findall(r"^```bash\n(TORCH=.*?)^```", (ROOT / "docs/how-to/cpp.md").read_text(), re.M | re.S)
    program = tmp_path_factory.mktemp("cpp") / "judge"
    command = typed.replace(".venv/bin/python", sys.executable).replace("-o judge", f"-o {program}")
    built = subprocess.run(["bash", "-ec", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return program


def answer(judge: Path, model: Path, picture: Path) -> tuple[int, str, str]:
    done = subprocess.run([judge, model, picture], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_it_prints_the_score_of_grey_and_colour_pictures(judge: Path, bolts: Trained, tmp_path: Path) -> None:
    """Of good parts and a scratched one; colour as well, which the model makes grey itself."""
    part = sorted((bolts.data / "train/good").iterdir())[0]
    scratched, coloured = tmp_path / "scratched.png", tmp_path / "coloured.png"
    with Image.open(part) as image:
        grey = image.convert("L")
    grey.convert("RGB").save(coloured)
    grey.paste(255, (100, 120, 150, 130))
    grey.save(scratched)
    inspector = snag.load(bolts.run)

    for picture in (part, coloured, scratched):
        code, printed, complaint = answer(judge, bolts.run / "snag.pt", picture)

        assert (code, complaint) == (0, ""), complaint
        assert float(printed) == pytest.approx(inspector.judge(picture).score, rel=1e-5)


@pytest.mark.parametrize(
    ("mode", "complaint"),
    [("P", "expected a PNG of 8 bits, grey or RGB"), ("LA", "expected a PNG of 8 bits"), (None, "not a PNG, or damaged")],
)
def test_other_pictures_are_refused(judge: Path, bolts: Trained, tmp_path: Path, mode: str | None, complaint: str) -> None:
    """What it can't read as the server does gets a sentence and exit code 1, never a score."""
    picture = tmp_path / "other.png"
    picture.write_bytes(b"no picture") if mode is None else Image.new(mode, (32, 32)).save(picture)

    code, printed, said = answer(judge, bolts.run / "snag.pt", picture)

    assert (code, printed) == (1, "")
    assert complaint in said
