"""Archives as the server takes them: whole, with the right digest, copied once."""

import errno
import os
import re
import zipfile
from pathlib import Path

import pytest

from snag.core.errors import BadArtifact
from snag.server.serve import main as serve_main
from snag.server.state.archive import Archive, archive_names, copy_archive, verify_archive
from tests.support.mars import CALIBRATION, GOLDEN, record, write_mar


def denied(self):
    """What the system says of a folder that this user may not enter."""
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))


class TestArchive:
    def test_verified(self, tmp_path):
        """An archive with its digest beside it, in sha256sum's format, is accepted, with what it says of itself."""
        digest = write_mar(tmp_path, "bolt", "1.5")

        archive = verify_archive(tmp_path, "bolt")

        assert archive == Archive("bolt", tmp_path / "bolt.mar", digest, "1.5", 0.5, CALIBRATION["created"])

    @pytest.mark.parametrize("name", ["a bolt", "schräg", ".bolt", "b" * 129])
    def test_impossible_names(self, tmp_path, name):
        """A name that no address could hold is refused, whatever lies in the archive."""
        write_mar(tmp_path, name)

        with pytest.raises(BadArtifact, match="its name can't be a model's: expected letters, digits"):
            verify_archive(tmp_path, name)

    def test_no_archive_at_all(self, tmp_path):
        """A file that is no zip is refused even with its right digest."""
        (tmp_path / "bolt.mar").write_bytes(b"x")
        record(tmp_path / "bolt.mar")

        with pytest.raises(BadArtifact, match="not an archive"):
            verify_archive(tmp_path, "bolt")

    def test_an_older_snags(self, tmp_path):
        """An archive whose code lies where it lay before is named as such: its workers would not come up."""
        write_mar(tmp_path, "bolt")
        with zipfile.ZipFile(tmp_path / "bolt.mar", "a") as file:
            file.writestr("snag/artifact.py", "")
        record(tmp_path / "bolt.mar")

        with pytest.raises(BadArtifact, match=r"bolt\.mar: packed by an older Snag; train and pack it again"):
            verify_archive(tmp_path, "bolt")

    @pytest.mark.parametrize(
        ("members", "reason"),
        [
            ({"calibration": None}, "calibration.json is not in it; run `make archive`"),
            ({"calibration": {"created": "2026-01-01"}}, "threshold is not in it"),
            ({"calibration": {**CALIBRATION, "threshold": None}}, "threshold = 'None'"),
            ({"calibration": {**CALIBRATION, "threshold": float("nan")}}, "threshold = 'nan'"),
            ({"calibration": {**CALIBRATION, "threshold": True}}, "threshold = 'True'"),
            ({"calibration": {**CALIBRATION, "created": "yesterday"}}, "its calibration.json can't be read"),
            ({"calibration": [1]}, "its calibration.json can't be read"),
            ({"manifest": None}, "MAR-INF/MANIFEST.json is not in it"),
            ({"manifest": {"model": {"modelVersion": 2}}}, "its MAR-INF/MANIFEST.json can't be read"),
            ({"golden": None}, "it has no golden pictures to be checked with; run `make calibrate archive`"),
            ({"golden": {**GOLDEN, "pictures": []}}, "not a list of golden pictures"),
            ({"golden": {**GOLDEN, "pictures": [{"name": "golden/9.png", "score": 1.0}]}}, "it has no golden pictures"),
        ],
    )
    def test_incomplete(self, tmp_path, members, reason):
        """Without a threshold, a version or golden pictures nothing is started; the reason is said."""
        write_mar(tmp_path, "bolt", **members)

        with pytest.raises(BadArtifact, match=re.escape(reason)):
            verify_archive(tmp_path, "bolt")

    @pytest.mark.parametrize("name", ["bolt.mar", "bolt.mar.sha256"])
    def test_no_rights(self, tmp_path, monkeypatch, name):
        """An archive or digest that this user may not read is named with the system's reason."""
        write_mar(tmp_path, "bolt")
        real = Path.open

        def refuse(self, *words, **more):
            if self.name == name:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
            return real(self, *words, **more)

        monkeypatch.setattr(Path, "open", refuse)

        with pytest.raises(BadArtifact, match=re.escape("bolt.mar: it or its digest can't be read (Permission denied)")):
            verify_archive(tmp_path, "bolt")

    def test_links_and_folders(self, tmp_path):
        """What has an archive's name and is none is refused: a link to nothing or itself, a folder, binary digests."""
        write_mar(tmp_path, "text")
        (tmp_path / "text.mar.sha256").write_bytes(b"\xff\xfe")
        (tmp_path / "folder.mar").mkdir()
        (tmp_path / "gone.mar").symlink_to(tmp_path / "nothing")
        (tmp_path / "round.mar").symlink_to("round.mar")

        assert archive_names(tmp_path) == ["folder", "gone", "round", "text"]
        for name in archive_names(tmp_path):
            with pytest.raises(BadArtifact, match="run `make archive`"):
                verify_archive(tmp_path, name)

    def test_no_store(self, tmp_path, monkeypatch, capsys):
        """A store that is no folder, or may not be read, is said in one line with the exit code of its siblings."""
        (tmp_path / "store").write_text("no folder")
        words = ["--model", "all", "--model-store", str(tmp_path / "store"), "--server-folder", str(tmp_path / "server")]

        assert serve_main(words) == 2
        assert f"error: {tmp_path / 'store'}: expected a folder of archives: Not a directory" in capsys.readouterr().err
        assert serve_main([*words, "--model", "bolt"]) == 2
        assert capsys.readouterr().err.startswith("error: ")
        monkeypatch.setattr(Path, "is_file", denied)
        assert serve_main(["--model", "bolt", *words[2:]]) == 2
        assert "bolt.mar: it or its digest can't be read (Permission denied)" in capsys.readouterr().err

    def test_copied(self, tmp_path):
        """The server's copy bears the version in its name and is made once."""
        write_mar(tmp_path, "bolt", "1.5")
        archive = verify_archive(tmp_path, "bolt")

        assert copy_archive(archive, tmp_path / "own") == "bolt-1.5.mar"
        made = (tmp_path / "own" / "bolt-1.5.mar").stat()
        assert copy_archive(archive, tmp_path / "own") == "bolt-1.5.mar"

        assert (tmp_path / "own" / "bolt-1.5.mar").read_bytes() == archive.path.read_bytes()
        assert (tmp_path / "own" / "bolt-1.5.mar").stat().st_mtime_ns == made.st_mtime_ns

    def test_changed_meanwhile(self, tmp_path):
        """An archive that is another one by the time it is copied is not taken."""
        write_mar(tmp_path, "bolt")
        archive = verify_archive(tmp_path, "bolt")
        write_mar(tmp_path, "bolt", calibration={**CALIBRATION, "threshold": 0.6})

        with pytest.raises(BadArtifact, match="it changed while it was copied"):
            copy_archive(archive, tmp_path / "own")
        assert not (tmp_path / "own" / "bolt-1.0.mar").exists()

    def test_names(self, tmp_path):
        """The models of a store are its archives."""
        write_mar(tmp_path, "nut")
        write_mar(tmp_path, "bolt")

        assert archive_names(tmp_path) == ["bolt", "nut"]
