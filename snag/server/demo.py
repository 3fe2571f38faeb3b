"""`snag demo`: all of it on the sample: what is missing is made; then a server on free ports judges pictures, and stops."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import Field, model_validator
from rich.console import Console
from rich.table import Table

from snag.cli.folder import check_folder
from snag.cli.model_name import SAMPLE, check_model_name, demonstration_name
from snag.cli.settings import Settings, from_flags, run
from snag.cli.stage import is_needed, run_verb
from snag.client.client import SnagClient
from snag.client.montage import montage
from snag.client.pictures import find_pictures
from snag.core.errors import NoPictures, RequestError
from snag.core.file_names import spelled
from snag.core.files import write_bytes
from snag.core.picture_files import visible_folders
from snag.core.verdict import Verdict
from snag.labels.folder_names import GOOD, means_good
from snag.server.serve import serve
from snag.server.settings import ServeSettings
from snag.server.startup_message import say
from snag.server.state.instance import Instance
from snag.server.state.ports import free_ports

_SETTLING: Final = 10.0  #: seconds that the last counts may take to reach the scrape; they need one at most
_NOT_A_PICTURE: Final = b"This is no picture."


class DemoSettings(Settings):
    """Show a run at work: server, verdicts, metrics, and where the report lies; what of it is missing is made first."""

    data: Path = Field(SAMPLE, description="data set with test/good and test/<defect>; the sample is drawn on demand")
    model: str = Field("demo", description="name of the model; of other pictures than the sample demo-<their folder's name>")
    run: Path = Field(
        Path("runs/demo"), description="run folder, runs/<model> unless given; the server's own folder goes below it"
    )
    preset: str = Field("quick", description="preset of the training")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    good: int = Field(4, ge=1, description="good test pictures to judge")
    each_defect: int = Field(2, ge=1, description="test pictures of each kind of defect to judge")

    @model_validator(mode="before")
    @classmethod
    def _own_run(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Each set of pictures has a run of its own."""
        name = given.get("model") or demonstration_name(given.get("data", SAMPLE))
        return {"model": name, "run": Path("runs") / name, **given}


@dataclass(frozen=True)
class Judged:
    """One picture of the demonstration."""

    name: str  #: below test/
    is_defective: bool
    verdict: Verdict
    overlay: bytes  #: PNG


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag demo`."""
    codes = [0]
    return run(lambda: codes.append(demo(from_flags(DemoSettings, argv)))) or codes[-1]


def demo(settings: DemoSettings) -> int:
    """Make what is missing, then show it; the exit code of the stage that failed, which has said why.

    Raises BadConfig, DiskFull for a model's name or a store that can't be, before any work.
    """
    check_model_name(settings.model)
    check_folder(settings.model_store)
    for verb, flags in stages(settings):
        say(f"snag {verb}")
        if code := run_verb(verb, flags):
            return code
    show(settings)
    return 0


def stages(settings: DemoSettings) -> Iterator[tuple[str, list[str]]]:
    """The verbs that are to be run with their flags, each decided on when the one before has run.

    Training refuses to go over a finished model that other settings or pictures made.
    """
    data, run = f"--data={settings.data}", f"--run={settings.run}"
    if settings.data == SAMPLE and not (SAMPLE / "sample.json").exists():
        yield "sample", [data]
    training = [data, run, "--preset", settings.preset]
    if is_needed("train", training):
        yield "train", training
    for verb in ("calibrate", "evaluate"):
        if is_needed(verb, [run]):
            yield verb, [data, run]
    packing = [run, "--model", settings.model, f"--model-store={settings.model_store}"]
    if is_needed("archive", packing):
        yield "archive", packing


def show(settings: DemoSettings) -> None:
    """Start, judge, scrape, stop; the server is stopped whatever happens in between."""
    pictures = chosen_pictures(settings)
    ports = free_ports(3)
    serving = ServeSettings(
        model=[settings.model],
        model_store=settings.model_store,
        inference_port=ports[0],
        management_port=ports[1],
        metrics_port=ports[2],
        server_folder=settings.run / "server",
    )
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        serve(serving)
        client = SnagClient(settings.model, serving.inference_port, serving.metrics_port)
        judged = [_judge(client, settings, picture) for picture in pictures]
        console.print(_table(judged))
        console.print(f"sent text instead of a picture: {_refusal(client)}", soft_wrap=True)
        console.print(_metrics_table(_settled_scrape(client, sent=2 * len(judged) + 1)))
        client.close()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave the server behind
        if Instance(serving.folder).stop():
            console.print("server stopped")
    sheet = settings.run / "heatmap.png"
    write_bytes(sheet, montage([(_caption(one), one.overlay) for one in shown(judged)], columns=3, side=260))
    console.print(f"heat maps: {sheet}\nreport:    {settings.run / 'report' / 'index.html'}", soft_wrap=True)


def chosen_pictures(settings: DemoSettings) -> list[Path]:
    """The first few test pictures of each class, good ones first; of the classes that the report has. Raises NoPictures."""
    test = settings.data / "test"
    folders = [folder for folder in visible_folders(test) if not means_good(folder.name)]
    if not folders:
        raise NoPictures(folder=test, expected="folders of test pictures, good and one for each kind of defect")
    kinds = sorted(folders, key=lambda folder: (folder.name != GOOD, folder))
    counts = {kind: settings.good if kind.name == GOOD else settings.each_defect for kind in kinds}
    return [picture for kind in kinds for picture in find_pictures(kind).pictures[: counts[kind]]]


def shown(judged: list[Judged]) -> list[Judged]:
    """One good picture and one of each kind of defect: what the sheet of heat maps holds."""
    first: dict[str, Judged] = {}
    for one in judged:
        first.setdefault(one.name.split("/")[0], one)
    return list(first.values())


def _judge(client: SnagClient, settings: DemoSettings, picture: Path) -> Judged:
    data = picture.read_bytes()
    name = spelled(picture.relative_to(settings.data / "test").as_posix())
    return Judged(name, not name.startswith(f"{GOOD}/"), client.predict(data), client.explain(data))


def _caption(one: Judged) -> str:
    return f"{one.name.split('/')[0]}: {'anomaly' if one.verdict.is_anomaly else 'good'}, p = {one.verdict.p_value:.2g}"


def _table(judged: list[Judged]) -> Table:
    right = sum(one.verdict.is_anomaly == one.is_defective for one in judged)
    table = Table("test picture", "verdict", "score", "threshold", "p-value", title=f"{right} of {len(judged)} verdicts right")
    for column in table.columns[2:]:
        column.justify = "right"
    for one in judged:
        word = "[red]anomaly[/]" if one.verdict.is_anomaly else "[green]good[/]"
        remark = "" if one.verdict.is_anomaly == one.is_defective else " (wrong)"
        numbers = (one.verdict.score, one.verdict.threshold, one.verdict.p_value)
        table.add_row(one.name, word + remark, *(f"{number:.3g}" for number in numbers))
    return table


def _refusal(client: SnagClient) -> str:
    try:
        client.predict(_NOT_A_PICTURE)
    except RequestError as error:
        return f"{error.status} {error.code}: {error}"
    return "it was judged, which it should not have been"


def _settled_scrape(client: SnagClient, sent: int) -> Counter[str]:
    """Snag's counters once all requests are in them and they stand still, or what there is after a while."""
    deadline = time.monotonic() + _SETTLING
    before: Counter[str] = Counter()
    while True:
        counts = counters(client.scrape())
        arrived = sum(count for name, count in counts.items() if name.startswith("snag_requests_total"))
        if (arrived >= sent and counts == before) or time.monotonic() > deadline:
            return counts
        before = counts
        time.sleep(0.6)


def counters(scrape: str) -> Counter[str]:
    """Each `snag_…_total` that the workers count, by name and the label that is its own; zeros left out."""
    counts: Counter[str] = Counter()
    for name, labels, value in re.findall(r"^(snag_\w+_total)\{(.*model_version=.*)\} (\S+)$", scrape, re.M):
        own = re.findall(r'\b(endpoint|code|reason)="([^"]*)"', labels)
        key = name + "".join(f'{{{label}="{text}"}}' for label, text in own)
        counts[key] += int(float(value))
    return +counts


def _metrics_table(counts: Counter[str]) -> Table:
    table = Table("metric", "count", title="scraped from the server")
    for name, count in sorted(counts.items()):
        table.add_row(name.replace("[", r"\["), str(count))
    return table


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
