"""The artefact: what is saved is what is loaded, and nothing else is."""

import dataclasses
import hashlib
import json
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snag.core.artifact import check_pair, load_artifact, save_artifact
from snag.core.errors import ArtifactMismatch, BadArtifact, DiskFull
from tests.support.fakes import TinyDetector, tiny_artifact, tiny_calibration

SETTINGS = {"score_unit": "Größe", "preset": "tiny", "data_digest": "0" * 64, "nested": {"b": [1, 2.5, None], "a": True}}


@pytest.fixture(scope="module")
def script():
    """The fake detector, scripted once."""
    return torch.jit.script(TinyDetector().eval())


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    """A loaded artefact."""
    return tiny_artifact(tmp_path_factory.mktemp("artifact"))


def pictures(*sizes):
    """Random pictures [C, H, W] of the given sizes."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, size, generator=generator, dtype=torch.uint8) for size in sizes]


class TestFile:
    def test_round_trip(self, script, tmp_path):
        """Settings and scores come back as they were, and the fingerprint is the file's SHA-256."""
        save_artifact(script, SETTINGS, tmp_path / "snag.pt")

        loaded = load_artifact(tmp_path / "snag.pt")

        assert loaded.settings == SETTINGS
        assert loaded.score_unit == "Größe"
        assert loaded.path == tmp_path / "snag.pt"
        assert loaded.fingerprint == hashlib.sha256((tmp_path / "snag.pt").read_bytes()).hexdigest()
        picture = pictures((3, 20, 30))
        (expected,), (found,) = script.score(picture), loaded.script.score(picture)
        assert expected.reason == found.reason
        for name in ("score", "error", "anomaly_map", "reconstruction", "prepared", "pose"):
            assert torch.equal(getattr(expected, name), getattr(found, name)), name

    def test_equal_inputs_give_equal_bytes(self, script, tmp_path):
        """The file depends on model and settings alone: not on its name, its folder or the order of the keys."""
        backwards = dict(reversed(SETTINGS.items()))
        save_artifact(script, SETTINGS, tmp_path / "snag.pt")
        save_artifact(script, backwards, tmp_path / "elsewhere" / "other.bin")

        assert (tmp_path / "snag.pt").read_bytes() == (tmp_path / "elsewhere" / "other.bin").read_bytes()

    @pytest.mark.parametrize("change", [{"preset": "other"}, {"nested": {}}])
    def test_fingerprint_tells_settings_apart(self, script, tmp_path, change):
        """Another setting is another artefact."""
        save_artifact(script, SETTINGS, tmp_path / "a.pt")
        save_artifact(script, {**SETTINGS, **change}, tmp_path / "b.pt")

        assert load_artifact(tmp_path / "a.pt").fingerprint != load_artifact(tmp_path / "b.pt").fingerprint

    def test_frozen(self, tmp_path):
        """A frozen module is an artefact too, and scores as before."""
        script = torch.jit.script(TinyDetector().eval())
        frozen = torch.jit.freeze(script, preserved_attrs=["score", "prepare", "map_in_picture"])
        save_artifact(frozen, SETTINGS, tmp_path / "snag.pt")

        picture = pictures((1, 17, 40))
        (expected,), (found,) = script.score(picture), load_artifact(tmp_path / "snag.pt").script.score(picture)
        assert torch.equal(expected.score, found.score)

    def test_no_pickled_code(self, artifact):
        """The file is a zip of TorchScript code and tensors, with the settings as readable JSON inside."""
        with zipfile.ZipFile(artifact.path) as archive:
            names = archive.namelist()
            inside = next(name for name in names if name.endswith("extra/settings.json"))
            assert artifact.settings | {"format": 3} == json.loads(archive.read(inside))
        assert any("/code/" in name for name in names)

    def test_full_disk(self, script, tmp_path):
        """Where it can't be written, no half file stays."""
        (tmp_path / "taken").write_text("")

        with pytest.raises(DiskFull):
            save_artifact(script, SETTINGS, tmp_path / "taken" / "snag.pt")
        assert [path.name for path in tmp_path.iterdir()] == ["taken"]


class TestRefused:
    def test_missing(self, tmp_path):
        """A missing file says which command makes it."""
        with pytest.raises(BadArtifact) as caught:
            load_artifact(tmp_path / "snag.pt")

        assert str(caught.value) == f"{tmp_path / 'snag.pt'}: there is no model; run `make train`"

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nonsense" * 100, b'{"score_unit": "x"}'])
    def test_other_files(self, tmp_path, content):
        """Any other file is refused."""
        (tmp_path / "snag.pt").write_bytes(content)

        with pytest.raises(BadArtifact, match="not a Snag model, or damaged"):
            load_artifact(tmp_path / "snag.pt")

    def test_folder(self, tmp_path):
        """So is a folder."""
        with pytest.raises(BadArtifact, match="not a Snag model, or damaged"):
            load_artifact(tmp_path)

    def test_pickle(self, tmp_path):
        """A pickled model is refused unopened: loading a pickle would run whatever stands in it."""
        torch.save({"state": torch.zeros(1)}, tmp_path / "snag.pt")

        with pytest.raises(BadArtifact, match="not a Snag model, or damaged"):
            load_artifact(tmp_path / "snag.pt")

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    def test_cut_off(self, artifact, tmp_path, share):
        """So is a file that was not copied whole."""
        data = artifact.path.read_bytes()
        (tmp_path / "snag.pt").write_bytes(data[: int(len(data) * share)])

        with pytest.raises(BadArtifact, match="not a Snag model, or damaged"):
            load_artifact(tmp_path / "snag.pt")

    @given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def test_flipped_bits(self, artifact, tmp_path_factory, at, bit):
        """A damaged file raises BadArtifact, or loads under another fingerprint, which no calibration belongs to."""
        path = tmp_path_factory.mktemp("flipped") / "snag.pt"
        data = bytearray(artifact.path.read_bytes())
        data[int(at * len(data))] ^= 1 << bit
        path.write_bytes(data)

        try:
            loaded = load_artifact(path)
        except BadArtifact:
            return
        assert loaded.fingerprint != artifact.fingerprint

    def test_other_torchscript(self, tmp_path):
        """A TorchScript file that some other program made is refused by name."""

        class Doubler(torch.nn.Module):
            def forward(self, values: torch.Tensor) -> torch.Tensor:
                return values * 2

        script = torch.jit.script(Doubler())
        torch.jit.save(script, tmp_path / "bare.pt")
        save_artifact(script, SETTINGS, tmp_path / "no_score.pt")
        save_artifact(torch.jit.script(TinyDetector()), {"preset": "tiny"}, tmp_path / "no_unit.pt")

        for name, detail in (("bare", "damaged"), ("no_score", "but not a Snag model"), ("no_unit", "but not a Snag model")):
            with pytest.raises(BadArtifact, match=detail):
                load_artifact(tmp_path / f"{name}.pt")

    @pytest.mark.parametrize(
        ("fields", "detail"),
        [
            ({}, "made by an older Snag, format 1 instead of 3; train it again: `make train calibrate`"),
            ({"format": 2}, "made by an older Snag, format 2 instead of 3; train it again"),
            ({"format": 4}, "made by another Snag, format 4 instead of 3; train it again"),
        ],
    )
    def test_another_format(self, tmp_path, fields, detail):
        """A model that an older or a newer Snag made is no damaged file, and is said to be neither."""
        extra = {"settings.json": json.dumps(SETTINGS | fields)}
        torch.jit.save(torch.jit.script(TinyDetector()), tmp_path / "snag.pt", _extra_files=extra)

        with pytest.raises(BadArtifact, match=detail):
            load_artifact(tmp_path / "snag.pt")


class TestPair:
    def test_together(self, artifact, tmp_path):
        """A calibration made with this model passes."""
        check_pair(artifact, tiny_calibration(tmp_path, artifact), tmp_path / "calibration.json")

    def test_apart(self, artifact, tmp_path, script):
        """One made with another model is refused, with both fingerprints and what to do."""
        save_artifact(script, {**SETTINGS, "seed": 2}, tmp_path / "other.pt")
        other = load_artifact(tmp_path / "other.pt")
        calibration = tiny_calibration(tmp_path, other)

        with pytest.raises(ArtifactMismatch) as caught:
            check_pair(artifact, calibration, tmp_path / "calibration.json")

        assert str(caught.value) == (
            f"{tmp_path / 'calibration.json'} was made for the model with fingerprint {other.fingerprint[:12]}, "
            f"but {artifact.path} has {artifact.fingerprint[:12]}; run `make calibrate` for this model"
        )


class TestScores:
    def test_batch_does_not_matter(self, artifact):
        """Each picture of a batch, whatever the sizes and colours beside it, gets the scores that it gets alone."""
        batch = pictures((1, 16, 16), (3, 40, 25), (1, 1, 1), (3, 1, 300), (1, 64, 64))

        together = artifact.score(batch)

        for picture, found in zip(batch, together, strict=True):
            (alone,) = artifact.score([picture])
            assert (alone.anomaly_score, alone.reconstruction_error, alone.reason) == (
                found.anomaly_score,
                found.reconstruction_error,
                found.reason,
            )
            assert torch.equal(alone.anomaly_map, found.anomaly_map)

    def test_values(self, artifact):
        """Scores are plain floats, an empty reason is none, and the tensors are those of the picture."""
        (found,) = artifact.score([torch.full((1, 8, 8), 255, dtype=torch.uint8)])

        assert (type(found.anomaly_score), found.anomaly_score, found.reconstruction_error) == (float, 0.25, 0.25)
        assert found.reason is None
        assert torch.equal(found.prepared, torch.ones(1, 16, 16))
        assert torch.equal(found.anomaly_map, torch.full((16, 16), 0.25))
        assert not found.anomaly_map.requires_grad

    def test_map_in_picture(self, artifact):
        """The map is laid back onto a picture of any size."""
        (found,) = artifact.score(pictures((1, 30, 50)))

        assert artifact.map_in_picture(found, 30, 50).shape == (30, 50)

    @pytest.mark.parametrize("size", [(5, 7), (16, 16), (90, 40)])
    def test_the_peak_is_laid_back_too(self, artifact, size):
        """Between the pixels of a small picture the peak would be lost, and with it what the part is rejected for."""
        (found,) = artifact.score(pictures((1, 16, 16)))

        laid = artifact.map_in_picture(found, *size)

        row, column = divmod(int(found.anomaly_map.argmax()), 16)
        assert laid.max() == found.anomaly_map.max() == found.anomaly_score
        assert laid[(2 * row + 1) * size[0] // 32, (2 * column + 1) * size[1] // 32] == laid.max()

    @pytest.mark.parametrize(("pose", "corner"), [((0.0, -1.0, 1.0, 0.0), (-1, 0)), ((3.0, 0.0, 0.0, 3.0), (-1, -1))])
    def test_the_peak_follows_the_pose(self, artifact, pose, corner):
        """It is turned with the map; where the place lies outside of the picture, the pixel next to it has it."""
        (found,) = artifact.score(pictures((1, 16, 16)))
        last = torch.zeros(16, 16)
        last[-1, -1] = 9.0  # the map's lower right corner
        turned = torch.tensor([[pose[0], pose[1], 0.0], [pose[2], pose[3], 0.0]])

        laid = artifact.map_in_picture(dataclasses.replace(found, anomaly_map=last, pose=turned), 20, 30)

        assert laid[corner] == 9.0

    def test_nothing(self, artifact):
        """No pictures have no scores."""
        assert artifact.score([]) == []
