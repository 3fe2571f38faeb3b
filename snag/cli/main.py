"""`snag <verb>`: the one entry of all commands; it finds the verb's module and hands the flags on."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from snag import __version__
from snag.cli.extras import require
from snag.cli.program import program, started_as
from snag.cli.verbs import VERBS, Verb
from snag.core.errors import MissingExtra


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb that the first word names, with the flags behind it; answers its exit code, 2 for an unknown verb."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = program()
    if not words or words[0] in ("-h", "--help"):
        print(help_text(name))
        return 0
    if words[0] == "--version":
        print(f"snag {__version__}")
        return 0
    verb = VERBS.get(words[0])
    if verb is None:
        print(f"error: {_unknown(words[0])} `{name} --help` lists the verbs", file=sys.stderr)
        return 2
    # Threads that wait must sleep: spinning, two threads on a core that others use too were 15 times slower than one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        require(f"`{name} {words[0]}`", verb.extras)
        module = _module(verb)
    except MissingExtra as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "snag":  # ours, and a bug
            raise
        print(f"error: `{name} {words[0]}` {_lacking(error.name)}", file=sys.stderr)
        return 2
    with started_as(f"{name} {words[0]}"):
        return int(module.main(words[1:]))


def help_text(name: str) -> str:
    """The verbs with a line each."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:{width}}  {entry.line}" for verb, entry in VERBS.items()]
    usage = f"usage: {name} [-h] [--version] VERB [FLAGS]"
    about = "Teaches a camera what a good part looks like, and judges each new picture."
    return "\n".join([usage, "", about, "", *lines, "", f"`{name} VERB --help` lists the flags of one."])


def _unknown(word: str) -> str:
    if word.startswith("-"):
        return f"unrecognized arguments: {word};"
    near = difflib.get_close_matches(word, VERBS, n=1)
    return f"there is no verb {word!r}" + (f"; did you mean {near[0]!r}?" if near else ";")


def _module(verb: Verb) -> ModuleType:
    return importlib.import_module(verb.module)


def _lacking(package: str) -> str:
    if package.partition(".")[0] == "benchmarks":
        return "measures with the benchmarks, which only a checkout of Snag has: run it there"
    return f"needs the package {package!r}, which should have come with Snag; install Snag again"
