"""Test pictures for the demonstration and the fake detector: mid-grey is good, white is not."""

from pathlib import Path

from PIL import Image


def write_test_pictures(data: Path, counts: dict[str, int]) -> None:
    """`counts` pictures of each class into data/test/<class>."""
    for kind, count in counts.items():
        folder = data / "test" / kind
        folder.mkdir(parents=True)
        for number in range(count):
            Image.new("L", (48, 48), 128 if kind == "good" else 255).save(folder / f"{number:03d}.png")
