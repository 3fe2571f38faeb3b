"""The verbs of `snag`: one table, in the order in which they are used. Nothing behind it is imported before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Verb:
    """One command of the product."""

    module: str  #: with a `main(argv)` that answers the exit code
    line: str  #: what it does, for `snag --help`
    settings: str | None = None  #: the class of its settings there, whose fields are its flags; None: it has none of its own
    extras: tuple[str, ...] = ()  #: of pip, which bring what it needs besides what every installation has


_TRAIN: Final = ("train",)
_SERVE: Final = ("serve",)
_REVIEW: Final = ("review",)

VERBS: Final[dict[str, Verb]] = {
    "sample": Verb(
        "snag.training.sample", "draw the embedded sample: good and defective parts, with masks", "SampleSettings", _TRAIN
    ),
    "ingest": Verb(
        "snag.training.ingest", "bring a folder, an archive or a URL of pictures in as a data set", "IngestSettings", _TRAIN
    ),
    "preview": Verb(
        "snag.training.preview", "draw a contact sheet of what the network sees in training", "TrainSettings", _TRAIN
    ),
    "doctor": Verb(
        "snag.doctor.__main__",
        "look at a data set before any training: a page and a list of what to do",
        "DoctorSettings",
        _TRAIN,
    ),
    "train": Verb("snag.training.train", "train on good pictures, resuming where it stopped", "TrainSettings", _TRAIN),
    "train-all": Verb(
        "snag.training.train_all", "train, calibrate and pack every data set of a folder", "TrainAllSettings", _TRAIN
    ),
    "calibrate": Verb("snag.training.calibrate", "set the threshold for a false-alarm rate", "CalibrateSettings", _TRAIN),
    "evaluate": Verb("snag.evaluation.evaluate", "judge the test pictures and write the report", "EvaluateSettings", _TRAIN),
    "archive": Verb("snag.training.archive", "pack a calibrated model for the server", "ArchiveSettings", _TRAIN),
    "if-needed": Verb(
        "snag.cli.if_needed", "run train, calibrate, evaluate or archive only where its result is missing or not of this run"
    ),
    "serve": Verb("snag.server.serve", "start a server; returns when it judges pictures", "ServeSettings", _SERVE),
    "stop": Verb("snag.server.stop", "stop the server, once what is under way is answered", "StopSettings", _SERVE),
    "health": Verb(
        "snag.server.health", "say whether the server is ready, with the workers of each version", "HealthSettings", _SERVE
    ),
    "models": Verb("snag.server.models", "list what the server serves", "ModelsSettings", _SERVE),
    "deploy": Verb("snag.server.deploy", "bring a new version of a model into the running server", "DeploySettings", _SERVE),
    "rollback": Verb("snag.server.rollback", "let the version that answered before answer again", "RollbackSettings", _SERVE),
    "token": Verb("snag.gate.token", "add, list or revoke the tokens that clients show", "TokenSettings"),
    "predict": Verb("snag.client.__main__", "judge pictures through the running server", "PredictSettings"),
    "studio": Verb(
        "snag.studio.__main__", "a page on this machine, from a folder of pictures to verdicts", "StudioSettings", ("studio",)
    ),
    "line": Verb(
        "snag.line.__main__",
        "judge what folders and cameras bring through the running server, and tell machines what to do",
        "LineSettings",
        ("line",),
    ),
    "score": Verb(
        "snag.offline.score", "score stored pictures by the million, without a server", "ScoreSettings", ("offline",)
    ),
    "review": Verb(
        "snag.review.__main__", "label flagged and borderline pictures on a page of this machine", "ReviewSettings", _REVIEW
    ),
    "suggest-threshold": Verb(
        "snag.review.suggest", "say what people's labels say of the threshold", "SuggestSettings", _REVIEW
    ),
    "export": Verb("snag.review.export", "write labelled pictures into folders", "ExportSettings"),
    "drift": Verb("snag.evaluation.drift", "draw from a server's log whether its lines have changed", "DriftSettings", _REVIEW),
    "lamp": Verb("snag.evaluation.lamp", "draw what another lamp does to the sample's scores", "LampSettings", _TRAIN),
    "tune": Verb(
        "benchmarks.tuning.__main__",
        "measure which workers, threads and batches suit this machine (in a checkout)",
        "TuningSettings",
        _TRAIN + _SERVE,
    ),
    "demo": Verb(
        "snag.server.demo", "all of it on the sample, from nothing to a table of verdicts", "DemoSettings", _TRAIN + _SERVE
    ),
}
