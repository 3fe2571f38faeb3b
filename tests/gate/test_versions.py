"""Conversations with TorchServe's management: which paths they ask for, and what they make of the answers."""

import pytest

from snag.core.errors import ServerAnswer
from snag.gate.upstream.versions import VersionWorkers, all_versions, model_names, versions_of
from snag.server.torchserve.management import Management
from tests.support.registrar import registrar

FIRST, SECOND = "/models?limit=100&next_page_token=0", "/models?limit=100&next_page_token=100"


def described(version, *statuses, **more):
    """What TorchServe says of one version whose workers have these statuses."""
    workers = [{"id": str(number), "status": status} for number, status in enumerate(statuses)]
    return {"modelName": "bolt", "modelVersion": version, "minWorkers": 2, "workers": workers, **more}


def held(conversation, answers):
    """What the conversation finds out from {path: answer}, and the paths in the order in which it asked."""
    asked = []
    try:
        path = next(conversation)
        while True:
            asked.append(path)
            path = conversation.send(answers.get(path))
    except StopIteration as end:
        return end.value, asked


class TestConversation:
    def test_names_come_in_pages(self):
        """The next page is asked for as long as there is one."""
        pages = {
            FIRST: {"models": [{"modelName": "bolt"}], "nextPageToken": "100"},
            SECOND: {"models": [{"modelName": "nut"}]},
        }

        assert held(model_names(), pages) == (["bolt", "nut"], [FIRST, SECOND])

    def test_one_version(self):
        """A version that is alone is the default; only workers that are ready count."""
        answers = {"/models/bolt/all": [described("1.0", "READY", "UNLOADING", jobQueueStatus={"pendingRequests": 7})]}

        found = [VersionWorkers("bolt", "1.0", wanted=2, ready=1, waiting=7, is_default=True)]
        assert held(versions_of("bolt"), answers) == (found, ["/models/bolt/all"])

    def test_several_versions(self):
        """Of several, TorchServe is asked which one is the default."""
        both = [described("1.0", "READY", "READY"), described("2.0", "READY")]
        answers = {"/models/bolt/all": both, "/models/bolt": both[1:]}

        found, _ = held(versions_of("bolt"), answers)

        assert found == [VersionWorkers("bolt", "1.0", 2, 2), VersionWorkers("bolt", "2.0", 2, 1, is_default=True)]

    @pytest.mark.parametrize("answers", [{}, {"/models/bolt/all": [described("1.0"), described("2.0")]}])
    def test_gone(self, answers):
        """A model that was unregistered before the question, or between two, has no versions."""
        assert held(versions_of("bolt"), answers)[0] == []

    def test_everything(self):
        """All versions are those of every model that is named."""
        answers = {FIRST: {"models": [{"modelName": "bolt"}, {"modelName": "nut"}]}, "/models/bolt/all": [described("1.0")]}

        found, asked = held(all_versions(), answers)

        assert (found, asked) == (
            [VersionWorkers("bolt", "1.0", 2, 0, is_default=True)],
            [FIRST, "/models/bolt/all", "/models/nut/all"],
        )

    @pytest.mark.parametrize(
        "answers",
        [
            {},
            {FIRST: []},
            {FIRST: {"models": [{}]}},
            {FIRST: {"models": [{"modelName": "bolt"}]}, "/models/bolt/all": [{"modelName": "bolt"}]},
            {FIRST: {"models": [{"modelName": "bolt"}]}, "/models/bolt/all": 3},
        ],
    )
    def test_another_shape(self, answers):
        """An answer that is no description of models is said to be none."""
        with pytest.raises(ValueError, match="TorchServe's description of its models lacks"):
            held(all_versions(), answers)


def test_another_shape_is_an_answer_that_is_of_no_use():
    """The commands are told so by an error of theirs."""
    with registrar() as made:
        made.answer = lambda *_: (200, {"models": [{}]})

        with pytest.raises(ServerAnswer, match="answered 200: TorchServe's description of its models lacks 'modelName'"):
            Management(made.upstream).models()
