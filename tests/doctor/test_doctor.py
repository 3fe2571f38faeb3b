"""The doctor: what it finds in a data set, what it says about it, and its page."""

import json
import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from snag.doctor.__main__ import main
from snag.doctor.advice import advice, suspects_of
from snag.doctor.diagnosis import diagnose
from snag.doctor.exam import examine, pictures_to_examine
from snag.doctor.page import render
from snag.training import train
from snag.training.modes import MODES, Choice, second_choice
from tests.support.parts import as_bytes, good_bolt, good_picture, write_data_set

SIZE = (128, 128)


def save(folder, index, name=None, gain=1.0, **look):
    folder.mkdir(parents=True, exist_ok=True)
    pixels = (gain * good_picture(index, SIZE, **look)).clamp(0, 255)
    Image.fromarray(as_bytes(pixels)).save(folder / f"{name or f'{index:03d}'}.png")


def chipped(index, along):
    """A bolt with a bright chip of 5 x 5 pixels on its axis, at that share of its length from the middle."""
    bolt, picture = good_bolt(index, SIZE), good_picture(index, SIZE)
    angle = math.radians(bolt.degrees)
    x, y = (int(at + along * bolt.length * part) for at, part in ((bolt.x, math.cos(angle)), (bolt.y, math.sin(angle))))
    picture[:, y - 2 : y + 3, x - 2 : x + 3] = 230
    return picture


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """100 good bolts, and a test of 8 good and 8 marked ones taken as they were."""
    data = write_data_set(tmp_path_factory.mktemp("healthy") / "bolt", 100, SIZE)
    for index in range(8):
        save(data / "test/good", 500 + index)
        save(data / "test/mark", 600 + index, mark=True)
    return data


@pytest.fixture(scope="module")
def sound(healthy):
    return diagnose(healthy)


@pytest.fixture(scope="module")
def sick(healthy, tmp_path_factory):
    """The same with everything wrong that can be, and its diagnosis."""
    data = tmp_path_factory.mktemp("sick") / "bolt"
    shutil.copytree(healthy, data)
    for index, along in enumerate((-0.2, 0.05, 0.3)):
        Image.fromarray(as_bytes(chipped(700 + index, along))).save(data / f"train/good/bad{index}.png")
    for index in range(12):
        shutil.copy(data / f"train/good/{index:03d}.png", data / f"train/good/copy{index}.png")
    for index in range(8):
        save(data / "test/good", 500 + index, gain=1.2)
        save(data / "test/mark", 600 + index, gain=1.6, mark=True)
    save(data / "test/good", 5, "seen")  # a training picture
    (data / "train/good/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    Image.fromarray(as_bytes(good_picture(800, (100, 140)))).save(data / "train/good/other.jpg")
    return diagnose(data)


def texts(diagnosis, urgency=None):
    return [one.text for one in advice(diagnosis) if urgency in (None, one.urgency)]


def said(diagnosis, pattern, urgency=None):
    return [text for text in texts(diagnosis, urgency) if re.search(pattern, text)]


class TestExam:
    def test_what_is_kept(self, healthy):
        """Name, folder, encoding, size, features and a small tile."""
        exam = examine(healthy / "test/mark/600.png", healthy)

        assert (exam.name, exam.folder, exam.encoding) == ("test/mark/600.png", "test/mark", "PNG, grey")
        assert (exam.summary.height, exam.summary.width) == SIZE
        assert exam.is_bad
        assert exam.brightness == pytest.approx(np.asarray(Image.open(healthy / exam.name)).mean() / 255, abs=1e-4)
        assert exam.tile.shape == (1, *SIZE)
        assert exam.clipped < 0.001

    def test_train_before_test(self, healthy):
        """Training pictures come first, then good ones of the test."""
        folders = [path.parent.relative_to(healthy).as_posix() for path in pictures_to_examine(healthy)]

        assert list(dict.fromkeys(folders)) == ["train/good", "test/good", "test/mark"]
        assert len(folders) == 116


class TestAdvice:
    def test_healthy(self, sound):
        """A sound set has nothing to stop or warn for but its missing masks."""
        assert texts(sound, "stop") == []
        assert texts(sound, "warning") == ["ground_truth: no masks for 8 defective pictures: no figures by pixel."]
        assert said(sound, "100 different good parts carry a false-alarm rate down to 5 %", "good")
        assert said(sound, "No good picture looks unlike the others", "good")
        assert said(sound, "Nothing as simple as brightness", "good")
        assert said(sound, "each part cut out and turned upright", "good")
        assert said(
            sound, r'^Second choice: each part cut out wherever it lies, .* \(`make train ARGS="--mode centred_crop"`\)', "note"
        )

    def test_no_second_choice(self, sound):
        """After the last resort there is none, and nothing is said."""
        assert second_choice(MODES["full_frame"], [exam.summary for exam in sound.train]) is None
        assert not said(replace(sound, second_choice=None), "Second choice")

    @pytest.mark.parametrize("name", MODES)
    def test_every_mode(self, sound, name):
        """It is good news but for the last resort, and the page says how the pictures are laid."""
        choice = Choice(MODES[name], replace(sound.choice.fit, why="for a reason"))
        found = replace(sound, choice=choice)
        phrase = MODES[name].phrase

        assert said(found, rf"^Training will see {phrase}: for a reason\.$", "note" if name == "full_frame" else "good")
        assert f"Exposure taken out; {phrase}." in render(found, advice(found))

    def test_most_urgent_first(self, sick):
        order = [one.urgency for one in advice(sick)]

        assert order == sorted(order, key=["stop", "warning", "note", "good"].index)
        assert set(order) >= {"stop", "warning", "note"}

    def test_contamination(self, sick):
        """Defective parts among the good ones are suspected, and hardly any other."""
        suspects = {exam.name for exam, _ in suspects_of(sick)}

        assert {f"train/good/bad{index}.png" for index in range(3)} <= suspects
        assert len(suspects) <= 6
        (text,) = said(sick, "look unlike the others", "warning")
        assert text.endswith(
            "take out only what shows a defect. Every odd but good part that you take out makes more false alarms than are "
            "promised."
        )

    def test_unreadable(self, sick):
        assert said(sick, "1 picture can't be read: replace or remove train/good/broken.png", "stop")

    def test_near_duplicates(self, sick):
        """Copies among the good ones count as one; a test picture that training has seen must go."""
        assert said(sick, "12 good pictures of 116 are near-duplicates of another: .* gives one calibration score", "warning")
        assert said(sick, "1 test picture is nearly the same as a training picture: remove test/good/seen.png", "warning")

    def test_shortcuts(self, sick):
        """Defective pictures under a brighter lamp, and a test under another one than training's, are told."""
        assert said(sick, "alone tells good from defective pictures", "warning")
        assert said(sick, "alone tells train/good from test/good", "warning")

    def test_kinds(self, sick):
        """Other sizes and encodings are noted."""
        assert said(sick, "2 sizes; 115 of 116 are 128 x 128", "note")
        assert said(sick, r"2 encodings \(PNG, grey: 115; JPEG, grey: 1\)", "note")

    def test_too_few(self, tmp_path):
        """With fewer than training needs, that is the first thing said, and a page is written all the same."""
        diagnosis = diagnose(write_data_set(tmp_path / "few", 5, SIZE))

        assert said(diagnosis, "5 readable good pictures in train/good: take at least 12", "stop")
        assert "Training can&#39;t begin yet" in render(diagnosis, advice(diagnosis))

    def test_what_training_would_refuse_stops(self, tmp_path, capsys):
        """40 copies of 3 parts, or parts of too few lots: in the words of training."""
        data = write_data_set(tmp_path / "alike", 3, SIZE)
        for index in range(37):
            shutil.copy(data / f"train/good/{index % 3:03d}.png", data / f"train/good/again{index}.png")
        lots = write_data_set(tmp_path / "lots", 12, SIZE)
        (lots / "train/good/monday").mkdir()
        for path in lots.glob("train/good/*.png"):
            path.rename(path.parent / "monday" / path.name)

        for folder, flags in ((data, []), (lots, ["--lots", "folder"])):
            assert train.main(["--data", str(folder), "--run", str(tmp_path / "run"), "--preset", "quick", *flags]) == 2
            words = capsys.readouterr().err.strip().splitlines()[-1].removeprefix("error: ")
            diagnosis = diagnose(folder, lots=(flags or [None])[-1])
            assert texts(diagnosis, "stop") == [f"{words}."]
            assert "Training can&#39;t begin yet" in render(diagnosis, advice(diagnosis))

        assert "1 lot (monday)" in words

    def test_a_rate_out_of_reach(self, tmp_path):
        """20 good pictures leave 10 to calibrate: 9.1 % at best."""
        diagnosis = diagnose(write_data_set(tmp_path / "some", 20, SIZE))

        assert said(diagnosis, "carry a false-alarm rate of 9.1 % at best: take 18 more for 5 %", "warning")

    def test_overexposed(self, tmp_path):
        """Pictures at the end of the scale are named: what is white has no surface."""
        data = tmp_path / "white"
        for index in range(12):
            save(data / "train/good", index, gain=1.8)

        assert said(diagnose(data), "12 good pictures of 12 are over- or underexposed", "warning")

    def test_pictures_of_many_shapes(self, tmp_path):
        """They are compared all the same."""
        for index in range(14):
            random = np.random.default_rng(index).integers(60, 200, (60 + 8 * (index % 5), 90), dtype=np.uint8)
            (tmp_path / "train/good").mkdir(parents=True, exist_ok=True)
            Image.fromarray(random).save(tmp_path / f"train/good/{index}.png")

        diagnosis = diagnose(tmp_path)

        assert said(diagnosis, "Training will see each picture whole", "note")
        assert said(diagnosis, "have 5 sizes", "note")
        assert len(diagnosis.oddities) == 14

    @pytest.mark.parametrize("size", [(40, 2000), (1, 1), (1, 300), (200, 3)])
    def test_pictures_of_any_shape_are_told_in_numbers_or_words(self, tmp_path, size):
        """A strip has no inside of its rim by which pictures could be compared."""
        (tmp_path / "train/good").mkdir(parents=True)
        for index in range(14):
            pixels = np.random.default_rng(index).integers(60, 200, size, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"train/good/{index}.png")

        diagnosis = diagnose(tmp_path)

        assert [text for text in texts(diagnosis) if "nan" in text or "inf" in text.replace("information", "")] == []
        assert said(diagnosis, "Training will see each picture whole")

    def test_nothing(self, tmp_path):
        """An empty folder is no crash."""
        (tmp_path / "empty").mkdir()

        diagnosis = diagnose(tmp_path / "empty")

        assert said(diagnosis, "0 readable good pictures", "stop")
        assert "0 pictures of" in render(diagnosis, advice(diagnosis))


class TestPage:
    def test_stands_alone(self, sick):
        """One file: no script, nothing from elsewhere, every picture inside."""
        page = render(sick, advice(sick))

        assert "<script" not in page
        assert set(re.findall(r'(?:src|href)="(\w+):', page)) <= {"data"}
        assert not re.search(r"https?://", page)
        assert page.count('class="sheet"') == 5
        assert len(page) < 2_000_000

    def test_says_everything(self, sick):
        """Each piece of advice stands in the list."""
        page = render(sick, advice(sick))

        assert page.count('<li class="') == len(advice(sick))

    def test_command(self, healthy, tmp_path, capsys):
        """The command prints the list and names the page; it changes nothing."""
        before = sorted(path.name for path in healthy.rglob("*"))

        assert main(["--data", str(healthy), "--run", str(tmp_path / "run")]) == 0

        printed = capsys.readouterr().out
        assert "ok:      100 different good parts carry" in printed
        assert f"{tmp_path}/run/doctor.html" in printed
        assert (tmp_path / "run/doctor.html").read_text().startswith("<!doctype html>")
        document = json.loads((tmp_path / "run/doctor.json").read_text())
        assert document["pictures"] == {"train/good": 100, "test/good": 8, "test/mark": 8}
        assert (document["mode"], document["suspects"]) == ("oriented_crop", [])
        assert [one["text"] in printed for one in document["advice"]] == [True] * len(document["advice"])
        assert sorted(path.name for path in healthy.rglob("*")) == before

    def test_no_such_folder(self, tmp_path, capsys):
        assert main(["--data", str(tmp_path / "none")]) == 2
        assert "no such folder" in capsys.readouterr().err
