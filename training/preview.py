"""`snag preview`: a contact sheet of what the network sees: prepared, augmented, with synthetic defects."""

from __future__ import annotations

from snag.cli.settings import run
from snag.core.files import write_atomically
from snag.pages.contact_sheet import contact_sheet
from snag.training.loop import batches
from snag.training.plan import TrainingPlan
from snag.training.settings import TrainSettings, train_settings
from snag.training.training_set import read_training_set


def preview(settings: TrainSettings) -> None:
    """Write RUN/preview.png: each of a dozen pictures as the network should make it, and as it is shown."""
    plan = TrainingPlan.of(settings, read_training_set(settings))
    shown, clean, mask = next(iter(batches(plan, 0)))
    pictures, captions = [], []
    for i in range(min(len(shown), 12)):
        pictures += [clean[i], shown[i], mask[i][None].expand_as(clean[i])]
        captions += ["good, augmented", "shown" if settings.inpaint_defects else "shown (no defects)", "defect mask"]
    sheet = contact_sheet([picture.clamp(0, 1) for picture in pictures], captions, columns=3)
    path = settings.run / "preview.png"
    write_atomically(path, lambda temporary: sheet.save(temporary, format="PNG"))
    print(f"what the network sees: {path}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: preview(train_settings(argv)))


if __name__ == "__main__":
    raise SystemExit(main())
