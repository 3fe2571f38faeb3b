"""`snag train`: good pictures in, a TorchScript detector out. Read it from top to bottom."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

from snag.cli.lock import held
from snag.cli.settings import run
from snag.core.artifact import save_artifact
from snag.training.data.dataset import digest_of, good_files, good_pictures
from snag.training.data.split import write_split
from snag.training.export import artifact_settings, export
from snag.training.fit.backbone import backbone
from snag.training.learner import Learner
from snag.training.loop import History, batches, learn
from snag.training.plan import TrainingPlan
from snag.training.run.curves import draw_curves
from snag.training.run.hardware import Hardware
from snag.training.run.process_group import FRESH, ProcessGroup, launch_command, process_group
from snag.training.run.run_folder import Differences, begin, differences, identity, is_to_be_trained
from snag.training.settings import TrainSettings, train_settings
from snag.training.training_set import training_set_of


def train(settings: TrainSettings) -> None:
    """Train, standardise, export.

    Goes on where an earlier run with the same settings stopped; does nothing when it had finished. Raises FinishedModel where
    a model is finished that other settings or pictures made, unless `fresh` or `keep_finished` say what becomes of it.
    """
    files = good_files(settings.data)  # what is wrong with them is said before anything is touched
    hardware = Hardware.of(settings)
    with (
        process_group(hardware.device) as group,
        held(settings.run, "training into") if group.is_main else nullcontext(),
    ):
        if group.is_main and files.sentence:
            print(files.sentence)
        plan = _plan(settings, files.pictures, group)
        if plan is None:
            return
        fitted = plan.pictures.choice.fit
        learner = Learner(plan.settings, fitted.module.channels, hardware, group, fitted.scene)
        history = learn(plan, learner)
        if group.is_main:
            _finish(plan, learner, identity(settings), history)


def _plan(settings: TrainSettings, paths: list[Path], group: ProcessGroup) -> TrainingPlan | None:
    """What is to be learnt, the same for all processes; None where it was learnt before. Raises BadConfig, FinishedModel."""
    digest = digest_of(paths, settings.data)
    group.assert_same((digest, identity(settings)))
    found = group.broadcast(lambda: differences(settings, digest))
    if not is_to_be_trained(settings, found):
        if group.is_main:
            _say_finished(settings, found or {})
        return None
    if settings.features:
        backbone()  # that it is missing is better said before an hour's training than after it
    if group.is_main:
        begin(settings, digest)
    group.wait()
    plan = TrainingPlan.of(settings, group.main_first(lambda: training_set_of(settings, paths, digest)))
    group.assert_same(plan.pictures.split)  # each machine tells the lots by itself, perhaps by its files' times
    if group.is_main:
        print(f"symmetries in which the good pictures are shown: {plan.symmetries}")
        write_split(plan.pictures.split, settings.run / "split.json")
    return plan


def _say_finished(settings: TrainSettings, found: Differences) -> None:
    weights = settings.run / "snag.pt"
    if found:
        print(
            f"warning: {weights} is used as it is: {'; '.join(found.values())}. FRESH=1 (--fresh) trains anew", file=sys.stderr
        )
    else:
        what = "" if settings.keep_finished else " with these settings"
        print(f"{weights} is already trained{what} on these pictures")


def _finish(plan: TrainingPlan, learner: Learner, asked: dict[str, object], history: History) -> None:
    """Write what was learnt."""
    folder, choice = plan.settings.run, plan.pictures.choice
    networks = learner.result(shown for shown, _, _ in batches(plan, plan.settings.epochs))
    exported = export(plan, networks)
    draw_curves(history, folder / "loss.png")
    # Last: a run that has it is finished.
    save_artifact(exported.script, artifact_settings(plan, asked, history, exported.weights), folder / "snag.pt")
    print(f"trained: {folder / 'snag.pt'} ({choice.mode.name}: {choice.fit.why})")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    words = sys.argv[1:] if argv is None else argv

    def work() -> None:
        settings = train_settings(words)
        if command := launch_command(settings.nproc, settings.hosts, settings.rendezvous, words):
            paths = good_pictures(settings.data)  # what is wrong with them is better said once than by every process
            is_to_be_trained(settings, differences(settings, digest_of(paths, settings.data)))
            os.execve(command[0], command, os.environ | FRESH)  # noqa: S606  # no shell: words stay words  # nosec B606
        train(settings)

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
