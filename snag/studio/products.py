"""Products: folders of pictures below one root, each with the run that make would give it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.cli.model_name import check_model_name, model_name
from snag.core.errors import BadConfig, BadDataset, DiskFull
from snag.core.file_names import spelled
from snag.core.picture_files import visible_folders

_SERVER: Final = re.compile(r"server-\d+")  #: folders of servers, whatever their port
_TOKENS: Final = "tokens.json"  #: a file of tokens may lie among the runs
OWN: Final = "studio"  #: folder of a run that holds what the studio alone writes
GOOD: Final = ("train", "good")
SAMPLE: Final = "sample"  #: the product that the embedded sample is drawn as


@dataclass(frozen=True)
class Product:
    """One kind of part: its pictures, and the run of its model."""

    name: str  #: of its folder
    data: Path
    run: Path

    @property
    def model(self) -> str:
        """The name under which its model is served."""
        return self.run.name

    @property
    def own(self) -> Path:
        """Where the studio keeps its jobs, marks and small pictures."""
        return self.run / OWN

    @property
    def good(self) -> Path:
        """Folder of the good pictures to learn from."""
        return self.data.joinpath(*GOOD)


@dataclass(frozen=True)
class Workshop:
    """Where everything lies; the same places as those of make, so that either finds what the other has made."""

    data_root: Path
    runs: Path
    model_store: Path
    inference_port: int
    labels: Path
    review_port: int = 8090

    @property
    def server(self) -> Path:
        """Folder of the server that the studio starts, deploys to and watches."""
        return self.runs / f"server-{self.inference_port}"

    @property
    def own(self) -> Path:
        """Where the studio keeps what belongs to no product."""
        return self.runs / OWN

    def products(self) -> list[Product]:
        """Every folder of the root whose name can be made a model's, by name; of two with the same run the first."""
        return self._sorted()[0]

    def left_out(self) -> list[str]:
        """Why folders of the root are no products, a sentence each."""
        return self._sorted()[1]

    def product(self, name: str) -> Product:
        """The one of that name. Raises BadDataset."""
        for one in self.products():
            if one.name == name:
                return one
        raise BadDataset(detail=f"there is no product {name!r} in {self.data_root}")

    def create(self, name: str) -> Product:
        """A product without pictures. Raises BadConfig for a name that can't be a model's or is taken, DiskFull."""
        check_model_name(name.strip())
        folder = self.data_root / name.strip()
        if any(name.strip().casefold() == one.name.casefold() for one in self.products()) or folder.exists():
            raise BadConfig(detail=f"there is a product {name.strip()!r} already; expected another name")
        product = self._at(folder)
        if taken := self._taken(product.run, {one.run: one.name for one in self.products()}):
            raise BadConfig(detail=f"{taken}; expected another name")
        try:
            product.good.mkdir(parents=True)
        except OSError as error:
            raise DiskFull(path=folder, detail=error) from error
        return product

    def _sorted(self) -> tuple[list[Product], list[str]]:
        found: dict[Path, Product] = {}
        left_out = []
        for folder in visible_folders(self.data_root):
            try:
                folder.name.encode()
                product = self._at(folder)
                why = self._taken(product.run, {run: one.name for run, one in found.items()})
            except UnicodeEncodeError:
                why = "its name is no UTF-8"
            except BadConfig:
                continue
            if why:
                left_out.append(f"the folder {spelled(folder.name)!r} is left out: {why}; rename it")
            else:
                found[product.run] = product
        return list(found.values()), left_out

    def _taken(self, run: Path, runs: dict[Path, str]) -> str:
        """What else has a run's place; empty where nothing has. `runs`: those of products, with their names."""
        if run in runs:
            return f"the run {run.name} is that of the product {runs[run]!r}"
        is_own = run in (self.own, self.server) or run.name == _TOKENS or _SERVER.fullmatch(run.name) is not None
        if is_own or run.name.startswith(self.labels.name) or run.is_file():
            return f"{run} is taken by a file or folder of Snag itself"
        return ""

    def _at(self, folder: Path) -> Product:
        return Product(folder.name, folder, self.runs / model_name(folder))
