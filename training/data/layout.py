"""MVTec's layout of a data set: its folders, and what is wrong with one."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final, Literal

from torch import Tensor

from snag.core.errors import SnagError
from snag.core.file_names import spelled
from snag.core.left_out import GRAVE, LeftOut, Reason, why
from snag.core.picture import PictureLimits, decode
from snag.core.picture_files import FoundFile, picture_files, right_in, visible_folders, walk
from snag.labels.folder_names import folders_in, instead_of_train_good, means_good, meant
from snag.labels.mask import Mask, read_mask
from snag.labels.mask_files import mask_files
from snag.training.data.dataset import LIMITS

#: The three folders of a data set; only train/good is obligatory.
FOLDERS: Final = ("train", "test", "ground_truth")
#: Files beside those that are no surprise.
COMPANIONS: Final = frozenset({"license.txt", "readme.txt", "readme.md", "license", "sample.json", "source.json"})

Progress = Callable[[list[Path]], Iterable[Path]]


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a data set: `path` relative to it, as `spelled`, `kind` a short name, `detail` a sentence."""

    severity: Literal["error", "warning"]
    kind: str
    path: str
    detail: str


def check_layout(folder: Path, progress: Progress = iter, limits: PictureLimits = LIMITS) -> list[Finding]:
    """Everything wrong with a data set, errors first, each sorted by path: every picture is decoded whole.

    An error keeps Snag from training with it: no train/good, or a picture that can't be read. What is hidden is passed over,
    see `left_out_of`. Raises UnreadableFolder.
    """
    files = {found.path: found for found in _everything(folder) if found.reason is not Reason.HIDDEN}
    seen: dict[Path, tuple[int, int]] = {}
    twins: dict[bytes, list[Path]] = defaultdict(list)
    findings = [*_good_ones(folder), *_names(folder), *_empty(folder)]
    for path in progress(sorted(files)):
        name = path.relative_to(folder)
        reason = files[path].reason
        surprise = "" if reason in GRAVE else _surprise(name)
        if surprise:
            findings.append(Finding("warning", "unknown", str(name), surprise))
            continue
        if reason is not None and (name.parts[0] in FOLDERS or reason in GRAVE):
            findings.append(Finding("warning", "left_out", str(name), why(reason, files[path].kind)))
        if reason is not None or name.parts[0] not in FOLDERS:
            continue
        try:
            if name.parts[0] == "ground_truth":
                mask = read_mask(path.read_bytes(), limits)
                seen[name] = (mask.marked.shape[0], mask.marked.shape[1])
                findings += _mask(name, mask)
                continue
            pixels = decode(path.read_bytes(), limits)
        except (SnagError, OSError) as error:
            findings.append(Finding("error", "unreadable", str(name), str(error)))
            continue
        seen[name] = (pixels.shape[-2], pixels.shape[-1])
        twins[_fingerprint(pixels)].append(name)
    unreadable = {Path(finding.path) for finding in findings if finding.kind == "unreadable"}
    findings += _duplicates(twins)
    findings += _masks(seen, unreadable, (folder / "ground_truth").is_dir())
    findings = [replace(one, path=spelled(one.path), detail=spelled(one.detail)) for one in findings]
    return sorted(findings, key=lambda finding: (finding.severity, finding.path, finding.kind))


def pictures_of(folder: Path) -> dict[str, int]:
    """How many pictures lie in train/good, in each folder of test/ and in each of ground_truth/."""
    counts = {"train/good": len(picture_files(folder / "train" / "good").pictures)}
    for top in FOLDERS[1:]:
        kinds = Counter(path.relative_to(folder / top).parts[0] for path in picture_files(folder / top).pictures)
        counts |= {f"{top}/{spelled(kind.name)}": kinds[kind.name] for kind in visible_folders(folder / top)}
    return counts


def left_out_of(folder: Path) -> LeftOut:
    """What of a data set is no picture, or is passed over for its name; a picture in no folder of a kind is none of a kind."""
    left_out = LeftOut()
    for found in _everything(folder):
        name = found.path.relative_to(folder)
        is_loose = found.reason is None and name.parts[0] == "test" and len(name.parts) == 2
        reason = Reason.PLACE if is_loose else found.reason
        if reason is not None and (name.parts[0] in FOLDERS or reason is not Reason.OTHER):
            left_out.add(reason, name.as_posix(), found.kind)
    return left_out


def _everything(folder: Path) -> Iterator[FoundFile]:
    """Everything in a data set, each of its folders walked by itself, as training and evaluation do."""
    yield from right_in(folder)
    for top in visible_folders(folder):
        yield from walk(top)


def _good_ones(folder: Path) -> Iterator[Finding]:
    if not picture_files(folder / "train" / "good").pictures:
        state = "holds no pictures" if (folder / "train" / "good").is_dir() else "is missing"
        others = " and ".join(instead_of_train_good(folder))
        cure = f"; {others} is there: rename it to train/good" if others else "; expected the pictures of good parts here"
        yield Finding("error", "no_good_pictures", "train/good", f"{state}{cure}")


def _names(folder: Path) -> Iterator[Finding]:
    """Folders whose names probably mean one of the layout's."""
    for top in ("train", "test"):
        for name in filter(means_good, folders_in(folder / top)):
            detail = (
                f"seems to mean good, and only {top}/good is: nothing in here counts; expected {top}/good, or the defect's name"
            )
            yield Finding("warning", "name_like_good", f"{top}/{name}", detail)
    for wanted in ("test", "ground_truth"):
        for name in [] if (folder / wanted).is_dir() else meant(folders_in(folder), wanted):
            yield Finding("warning", "name_like_another", name, f"is not read; if it is meant as {wanted}, rename it so")


def _empty(folder: Path) -> Iterator[Finding]:
    for place, count in pictures_of(folder).items():
        if not count and place != "train/good":
            yield Finding("warning", "empty", place, "the folder holds no pictures")


def _surprise(name: Path) -> str:
    """Why a file has no place in the layout, or nothing."""
    top, parts = name.parts[0], name.parts
    if len(parts) == 1:
        return "" if name.name.lower() in COMPANIONS else f"expected only {', '.join(FOLDERS)} here"
    if top not in FOLDERS:
        return f"expected only {', '.join(FOLDERS)} beside it"
    if top == "train" and (parts[1] != "good" or len(parts) < 3):
        return "training reads train/good alone"
    if len(parts) < 3:
        return f"expected {top}/<kind>/<picture>"
    return ""


def _fingerprint(pixels: Tensor) -> bytes:
    """Equal for equal pixels, however they were encoded."""
    content = hashlib.sha256(str((tuple(pixels.shape), pixels.dtype)).encode())
    content.update(pixels.numpy().tobytes())
    return content.digest()


def _duplicates(twins: dict[bytes, list[Path]]) -> Iterator[Finding]:
    for same in twins.values():
        first, *others = sorted(same, key=lambda name: (name.parts[0] != "train", name))
        for other in others:
            if first.parts[0] != other.parts[0]:
                yield Finding("warning", "leak", str(other), f"the same pixels as {first}: a test that training has seen")
            elif first.parts[1] != other.parts[1]:
                yield Finding("warning", "contradiction", str(other), f"the same pixels as {first}, of another kind")
            else:
                yield Finding("warning", "duplicate", str(other), f"the same pixels as {first}")


def _mask(name: Path, mask: Mask) -> Iterator[Finding]:
    """What is wrong with one mask by itself."""
    if name.parts[1] == "good":
        if mask.marked.any():
            yield Finding("warning", "mask_of_good", str(name), "marks a defect in a picture that is said to be good")
        return
    if fault := mask.fault():
        yield Finding("warning", fault[0], str(name), f"the mask {fault[1]}")
    elif mask.is_soft:
        yield Finding("warning", "mask_soft", str(name), "has grey values between: what reaches half of the brightest counts")


def _masks(seen: dict[Path, tuple[int, int]], unreadable: set[Path], has_masks: bool) -> Iterator[Finding]:
    known = seen.keys() | unreadable
    pictures = [name for name in known if name.parts[0] == "test" and not means_good(name.parts[1])]
    defective = sorted(name for name in pictures if name.parts[1] != "good")
    if defective and not has_masks:
        detail = f"no masks for {len(defective)} defective pictures: no figures by pixel"
        yield Finding("warning", "mask_missing", "ground_truth", detail)
        return
    found = mask_files(map(_inside, pictures), [_inside(name) for name in known if name.parts[0] == "ground_truth"])
    for name in defective:
        place = _inside(name)
        if place in found.ambiguous:
            yield Finding("warning", "ambiguous", str(name), found.ambiguous[place])
        elif place not in found.of:
            expected = Path("ground_truth", place.parent, f"{name.stem}_mask.png")
            yield Finding("warning", "mask_missing", str(name), f"expected its mask {expected}")
        elif name in seen and (mask := Path("ground_truth", found.of[place])) in seen and seen[name] != seen[mask]:
            sizes = [f"{width} x {height}" for height, width in (seen[mask], seen[name])]
            yield Finding("warning", "mask_size", str(mask), f"the mask has {sizes[0]} pixels, its picture {sizes[1]}")
    for stray in found.strays:
        detail = f"no picture test/{stray.parent.as_posix()}/{stray.stem.removesuffix('_mask')}.* for this mask"
        yield Finding("warning", "picture_missing", str(Path("ground_truth", stray)), detail)


def _inside(name: Path) -> PurePath:
    """The path below test/ or ground_truth/."""
    return PurePath(*name.parts[1:])
