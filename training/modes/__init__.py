"""The modes, and which of them good pictures ask for.

A new mode is a file here with its `MODE`, a module in `snag/detector/`, and its place in MODES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from torch import Tensor

from snag.detector.preparation import Preparation
from snag.training.data.survey import PictureSummary
from snag.training.fit.refusal import Refusal
from snag.training.modes import centred_crop, full_frame, oriented_crop, scene
from snag.training.modes.mode import Fit, FitRequest, Mode

#: In order of preference: by itself, the first one that fits the pictures is taken. The last one fits any.
MODES: Final[dict[str, Mode]] = {each.MODE.name: each.MODE for each in (oriented_crop, scene, centred_crop, full_frame)}
#: What is left where nothing else fits.
FALLBACK: Final = tuple(MODES.values())[-1]
#: What is asked for where the pictures are to decide.
AUTO: Final = "auto"
#: Mean distance between the colour channels, in grey levels, above which they carry more than one: a grey part under a colour
#: camera lies above it by the camera's noise alone, and a coloured stain on it is seen. Grey pictures stored in colour have 0.
COLOURED: Final = 0.5


@dataclass(frozen=True)
class Choice:
    """A mode, fitted to good pictures."""

    mode: Mode
    fit: Fit

    @property
    def module(self) -> Preparation:
        """What prepares pictures."""
        return self.fit.module

    @property
    def is_fallback(self) -> bool:
        """Whether this is what is left where nothing else fits."""
        return self.mode is FALLBACK

    def completed(self, pictures: Callable[[], Iterable[Tensor]]) -> Choice:
        """With what only prepared pictures tell: `pictures` reads some of those that it was chosen by."""
        return replace(self, fit=self.mode.complete(self.fit, pictures))


def choose(
    summaries: Sequence[PictureSummary],
    *,
    mode: str = AUTO,
    colour: Literal["auto", "grey", "colour"] = "auto",
    pixels: int | None = None,
    raw: bool = False,
    finer: int = 1,
) -> Choice:
    """Choose by good pictures. `mode` is auto or a name in MODES; `pixels` is a budget, None that of the mode.

    `finer`: times more pixels a side are prepared than the networks see.
    """
    request = FitRequest(_channels(summaries, colour), pixels, raw, finer, by_name=mode != AUTO)
    refusals = []
    for candidate in MODES.values() if mode == AUTO else (MODES[mode], FALLBACK):
        found = candidate.fit(summaries, request)
        if isinstance(found, Refusal):
            refusals.append(found.why)
        elif refusals and candidate is FALLBACK:
            asked = "" if mode == AUTO else f"mode {mode} was asked for, but "
            return Choice(candidate, replace(found, why=asked + "; ".join(refusals)))
        else:
            return _or_the_scene_around_it(Choice(candidate, found), summaries, request)
    raise AssertionError(f"{FALLBACK.name} fits any pictures")


def _or_the_scene_around_it(choice: Choice, summaries: Sequence[PictureSummary], request: FitRequest) -> Choice:
    """A part that may be one thing of many, all of which lie alike, is no part: what is beside it would not be judged."""
    if request.by_name or not choice.fit.may_be_one_of_many:
        return choice
    around = scene.MODE.fit(summaries, request)
    return choice if isinstance(around, Refusal) else Choice(scene.MODE, around)


def second_choice(first: Mode, summaries: Sequence[PictureSummary]) -> Mode | None:
    """The next mode after the chosen one, in order of preference, that fits as well; None after the last."""
    request = FitRequest(channels=1)
    after = list(MODES.values())[list(MODES.values()).index(first) + 1 :]
    return next((mode for mode in after if not isinstance(mode.fit(summaries, request), Refusal)), None)


def _channels(summaries: Sequence[PictureSummary], colour: str) -> int:
    if colour != AUTO:
        return 3 if colour == "colour" else 1
    return 3 if sum(summary.chroma for summary in summaries) / len(summaries) > COLOURED else 1
