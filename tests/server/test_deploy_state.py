"""What a server remembers of what it serves: how deploying, going back and starting again change it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import BadArtifact
from snag.server.state.archive import verify_archive
from snag.server.state.instance import Instance
from snag.server.state.served import (
    Model,
    ServedVersion,
    read_state,
    version_of,
    with_default,
    with_previous,
    without_version,
    write_state,
)
from snag.server.state.stage_archives import stage_archives
from tests.support.mars import CALIBRATION, write_mar

NOW = "2026-03-04T05:06:07+00:00"


def version(name):
    return ServedVersion(name, f"bolt-{name}.mar", name * 3, 0.5, CALIBRATION["created"])


class TestDeployed:
    def test_first(self):
        """The first version has nothing before it."""
        model = with_default(Model("bolt", None, failed="it was broken"), version("1"), NOW)

        assert model == Model("bolt", version("1"), since=NOW)

    def test_third(self):
        """The one that answered is kept, the one before that retires."""
        model = Model("bolt", version("2"), version("1"))

        assert with_default(model, version("3"), NOW) == Model("bolt", version("3"), version("2"), (version("1"),), since=NOW)

    def test_called_back(self):
        """One that is still there, kept or retiring, changes its place and is not there twice."""
        model = Model("bolt", version("3"), version("2"), (version("1"),))

        assert with_default(model, version("2"), NOW) == Model("bolt", version("2"), version("3"), (version("1"),), since=NOW)
        assert with_default(model, version("1"), NOW) == Model("bolt", version("1"), version("3"), (version("2"),), since=NOW)

    def test_rolled_back_twice(self):
        """Going back swaps the two; going back again swaps them back."""
        model = Model("bolt", version("2"), version("1"), since=NOW)

        assert with_previous(model, NOW) == Model("bolt", version("1"), version("2"), since=NOW)
        assert with_previous(with_previous(model, NOW), NOW) == model

    @given(st.lists(st.sampled_from("abcd") | st.just("back")))
    def test_any_order(self, steps):
        """Whatever is deployed in whatever order: what answers is what was asked for, and no version is there twice."""
        model = Model("bolt", None)
        for step in steps:
            if step != "back":
                model = with_default(model, version(step), NOW)
                assert model.default == version(step)
            elif model.previous is not None:
                model = with_previous(model, NOW)
            there = [*model.versions, *model.retiring]
            assert len(set(there)) == len(there)
            for one in model.retiring[1:]:
                model = without_version(model, one)


class TestFile:
    def test_round_trip(self, tmp_path):
        """What is written is read back."""
        models = (
            Model("bolt", version("3"), version("2"), (version("1"),), since=NOW),
            Model("nut", None, failed="nut.mar: not an archive"),
        )

        write_state(tmp_path / "served.json", models)

        assert read_state(tmp_path / "served.json") == models

    def test_nothing(self, tmp_path):
        """Without a file nothing is served."""
        assert read_state(tmp_path / "served.json") == ()

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"models": [{"name": "bolt"}]}', '{"models": 5}'])
    def test_damaged(self, tmp_path, text):
        """A damaged file is named, with what to do."""
        (tmp_path / "served.json").write_text(text)

        with pytest.raises(BadArtifact, match=r"not a list of served models .* remove it"):
            read_state(tmp_path / "served.json")


class TestIntake:
    @pytest.fixture
    def instance(self, tmp_path):
        return Instance(tmp_path / "server")

    def pack(self, tmp_path, number):
        write_mar(tmp_path / "store", "bolt", number)
        return verify_archive(tmp_path / "store", "bolt")

    def left_with(self, tmp_path, instance, default, previous):
        """A server that was left with these versions."""
        versions = {}
        for number in ("1", "2"):
            archive = self.pack(tmp_path, number)
            stage_archives(instance, [archive], {})
            versions[number] = version_of(archive, f"bolt-{number}.mar")
        (instance.store / "bolt-1.mar").write_bytes(b"")
        write_mar(tmp_path / "other", "bolt", "1")
        (instance.store / "bolt-1.mar").write_bytes((tmp_path / "other" / "bolt.mar").read_bytes())
        write_state(instance.served, [Model("bolt", versions[default], versions[previous], since=NOW)])
        return read_state(instance.served)

    def test_fresh(self, tmp_path, instance):
        """What is to be served is copied and remembered, and so is what can't be."""
        archive = self.pack(tmp_path, "1")

        stage_archives(instance, [archive], {"nut": "it is broken"})

        assert read_state(instance.served) == (
            Model("bolt", version_of(archive, "bolt-1.mar")),
            Model("nut", None, failed="it is broken"),
        )
        assert [path.name for path in instance.store.iterdir()] == ["bolt-1.mar"]

    def test_goes_on(self, tmp_path, instance):
        """With an archive that it had, a server goes on as it was left, after a rollback with the version before."""
        before = self.left_with(tmp_path, instance, default="1", previous="2")

        stage_archives(instance, [self.pack(tmp_path, "2")], {})

        assert read_state(instance.served) == before
        assert {path.name for path in instance.store.iterdir()} == {"bolt-1.mar", "bolt-2.mar"}

    def test_another_archive(self, tmp_path, instance):
        """Another archive is a new beginning; copies that nobody needs go."""
        self.left_with(tmp_path, instance, default="2", previous="1")
        archive = self.pack(tmp_path, "3")

        stage_archives(instance, [archive], {})

        assert read_state(instance.served) == (Model("bolt", version_of(archive, "bolt-3.mar")),)
        assert [path.name for path in instance.store.iterdir()] == ["bolt-3.mar"]

    def test_a_damaged_copy(self, tmp_path, instance):
        """A copy that is no longer what was verified is not served: it begins anew with the archive."""
        self.left_with(tmp_path, instance, default="1", previous="2")
        (instance.store / "bolt-1.mar").write_bytes(b"no archive")
        archive = self.pack(tmp_path, "2")

        stage_archives(instance, [archive], {})

        assert read_state(instance.served) == (Model("bolt", version_of(archive, "bolt-2.mar")),)
