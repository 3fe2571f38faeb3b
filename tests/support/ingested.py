"""The command that brings data in, and what it brought."""

from snag.training.ingest import main
from tests.support.data_sets import read_folder


def bring_into(target, source, *flags):
    """Run the command; its exit code."""
    return main(["--source", str(source), "--target", str(target), *flags])


def brought(target):
    """What `make data` put into the target, without the notes on where it came from."""
    return {name: content for name, content in read_folder(target).items() if not name.endswith("source.json")}
