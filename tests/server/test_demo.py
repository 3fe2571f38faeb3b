"""The demonstration's own parts: which pictures it takes, what it reads out of a scrape, and the sheet of heat maps."""

import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from snag.client.montage import montage
from snag.core.errors import BadConfig, DiskFull, NoPictures
from snag.core.files import write_text
from snag.core.verdict import Verdict
from snag.server import demo as command
from snag.server.demo import DemoSettings, Judged, chosen_pictures, counters, demo, shown
from tests.support.parts_of_demo import write_test_pictures
from tests.support.stages import leave

SCRAPE = """\
# HELP snag_requests_total Torchserve prometheus counter metric with unit: Count
# TYPE snag_requests_total counter
snag_requests_total{model_name="bolt",model_version="1.0",endpoint="predictions",Hostname="a",} 3.0
snag_requests_total{model_name="bolt",model_version="1.0",endpoint="explanations",Hostname="a",} 0.0
snag_errors_total{model_name="bolt",model_version="1.0",code="bad_base64",Hostname="a",} 2.0
snag_anomalies_total{model_name="bolt",model_version="1.0",Hostname="a",} 1.0
snag_p_value_sum{model_name="bolt",model_version="1.0",Hostname="a",} 0.5
"""


def picture(shade: int, side: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side), shade).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_few_pictures_of_each_class_are_taken_good_ones_first(tmp_path):
    """A folder that is good by another name is no class: the report leaves it out too."""
    write_test_pictures(tmp_path, {"good": 3, "OK": 3, "dent": 3, "bent_tip": 1})

    found = chosen_pictures(DemoSettings(data=tmp_path, good=2, each_defect=2))

    names = [path.relative_to(tmp_path / "test").as_posix() for path in found]
    assert names == ["good/000.png", "good/001.png", "bent_tip/000.png", "dent/000.png", "dent/001.png"]


@pytest.mark.parametrize("folder", ["train/good", "test"])
def test_without_test_pictures_there_is_nothing_to_show(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)

    with pytest.raises(NoPictures, match="expected folders of test pictures, good and one for each kind of defect"):
        chosen_pictures(DemoSettings(data=tmp_path))


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Stages that leave their files in no time, in an empty folder; nothing is served."""
    monkeypatch.chdir(tmp_path)
    verbs = []

    def stage(verb, flags):
        verbs.append(verb)
        if verb == "sample":
            write_text(tmp_path / "data/sample/sample.json", "")
        else:
            leave(verb, flags)
        return 0

    monkeypatch.setattr(command, "run_verb", stage)
    monkeypatch.setattr(command, "show", lambda settings: verbs.append("show"))
    return verbs


def test_from_an_empty_folder_everything_is_made_once_and_then_shown(ran):
    assert demo(DemoSettings()) == 0
    assert ran == ["sample", "train", "calibrate", "evaluate", "archive", "show"]
    ran.clear()

    assert demo(DemoSettings()) == 0
    assert ran == ["show"]
    ran.clear()

    assert demo(DemoSettings(preset="default")) == 0  # training is asked, which refuses
    assert ran == ["train", "show"]


def test_other_pictures_have_a_demonstration_of_their_own(ran, tmp_path):
    demo(DemoSettings(data=Path("data/M8 screw (new)")))

    assert ran == ["train", "calibrate", "evaluate", "archive", "show"]
    assert (tmp_path / "runs/demo-M8-screw-new/snag.pt").exists()
    assert (tmp_path / "model_store/demo-M8-screw-new.mar").exists()


def test_a_name_or_a_store_that_can_not_be_is_refused_before_any_work(ran, tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(BadConfig, match="model = 'größe': expected letters"):
        demo(DemoSettings(model="größe"))
    with pytest.raises(DiskFull, match="file is there and is no folder"):
        demo(DemoSettings(model_store=tmp_path / "file"))
    assert ran == []


def test_a_stage_that_fails_ends_the_demonstration_with_its_code(ran, monkeypatch):
    monkeypatch.setattr(command, "run_verb", lambda verb, flags: ran.append(verb) or 2 * (verb == "sample"))

    assert demo(DemoSettings()) == 2
    assert ran == ["sample"]


def test_counters_are_read_by_their_own_label_and_without_zeros():
    assert counters(SCRAPE) == Counter(
        {
            'snag_requests_total{endpoint="predictions"}': 3,
            'snag_errors_total{code="bad_base64"}': 2,
            "snag_anomalies_total": 1,
        }
    )


def test_the_sheet_shows_the_first_of_each_class():
    verdict = Verdict(False, 1.0, 2.0, 0.5, 0.1)
    judged = [Judged(name, "good" not in name, verdict, b"") for name in ("good/0.png", "good/1.png", "dent/0.png")]

    assert shown(judged) == [judged[0], judged[2]]


def test_pictures_stand_side_by_side_scaled_into_their_places():
    sheet = Image.open(io.BytesIO(montage([("a", picture(0, 40)), ("b", picture(90)), ("c", picture(200))], 2, 20)))

    grey = sheet.convert("L")
    assert sheet.size == (2 * 26 + 6, 2 * 42 + 6)
    assert [grey.getpixel(place) for place in ((6, 6), (25, 25), (32, 6), (6, 48), (40, 48))] == [0, 0, 90, 200, 255]


def test_a_heat_maps_few_colours_survive_among_many_greys():
    background = Image.linear_gradient("L").convert("RGB")
    background.paste((255, 40, 0), (100, 100, 104, 104))
    buffer = io.BytesIO()
    background.save(buffer, "PNG")

    sheet = Image.open(io.BytesIO(montage([("", buffer.getvalue())], 1, 256))).convert("RGB")

    red, green, blue = sheet.getpixel((6 + 102, 6 + 102))
    assert (red > 230, green < 80, blue < 40) == (True, True, True)
