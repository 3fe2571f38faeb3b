"""Products: folders of pictures below one root, each with the run that make would give it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.cli.model_name import check_model_name, model_name
from snag.core.errors import BadConfig, BadDataset, DiskFull
from snag.core.picture_files import visible_folders

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
        """Every folder of the root whose name can be made a model's, by name."""
        found = []
        for folder in visible_folders(self.data_root):
            try:
                found.append(self._at(folder))
            except BadConfig:
                continue
        return found

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
        try:
            product.good.mkdir(parents=True)
        except OSError as error:
            raise DiskFull(path=folder, detail=error) from error
        return product

    def _at(self, folder: Path) -> Product:
        return Product(folder.name, folder, self.runs / model_name(folder))
