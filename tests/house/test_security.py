"""What the product's source may not do: load pickled code, draw secrets from `random`, silence a check without a reason."""

import ast
import re
import tomllib

import pytest

from tests.support.source import ROOT, files, imports, name, tree

#: Modules whose files are programs in disguise: to load one is to run it.
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
FORBIDDEN = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "pandas.read_pickle", "eval", "exec", "os.system", "os.popen"}


def calls(syntax):
    """(line, dotted name, keywords that are constants) of every call in a syntax tree."""
    for node in ast.walk(syntax):
        if isinstance(node, ast.Call):
            given = {one.arg: one.value.value for one in node.keywords if isinstance(one.value, ast.Constant)}
            yield node.lineno, ast.unparse(node.func), given


def everywhere(wrong):
    """Every call of the product for which `wrong(called, keywords)` holds."""
    return [
        f"{name(path)}:{line} {called}" for path in files() for line, called, given in calls(tree(path)) if wrong(called, given)
    ]


def unguarded(called, given):
    """Whether it is a torch.load, whose files are pickles, that may take more than tensors."""
    return called == "torch.load" and given.get("weights_only") is not True


class TestNoPickle:
    def test_no_module_that_unpickles(self):
        """No file imports a module that unpickles."""
        assert [(name(path), found) for path in files() if (found := imports(path) & PICKLES)] == []

    def test_torch_loads_weights_only(self):
        """torch.load is told each time to take tensors alone."""

        assert everywhere(unguarded) == []
        assert everywhere(lambda called, _: called == "torch.load") != []

    def test_numpy_loads_numbers_only(self):
        """Nobody allows NumPy to unpickle, which it does not by itself."""
        assert everywhere(lambda _, given: given.get("allow_pickle") not in (None, False)) == []

    def test_nothing_that_runs_text(self):
        """No text is run: not as YAML with objects, not as Python, not by a shell."""
        assert everywhere(lambda called, given: called in FORBIDDEN or given.get("shell") is True) == []

    @pytest.mark.parametrize(
        ("line", "is_bad"),
        [
            ("torch.load(path)", True),
            ("torch.load(path, weights_only=False)", True),
            ("torch.load(path, map_location='cpu', weights_only=True)", False),
            ("torch.jit.load(path)", False),
        ],
    )
    def test_the_walk_finds_it(self, line, is_bad):
        """The walk over the source sees what it is made to see."""
        assert any(unguarded(called, given) for _, called, given in calls(ast.parse(line))) is is_bad


def test_tokens_are_secret():
    """Tokens are drawn by `secrets` and compared in constant time; nothing in gate or server draws from `random`."""
    drawn = {path.name for path in files("gate") if "secrets" in imports(path)}
    compared = {called for path in files("gate") for _, called, _ in calls(tree(path)) if called.endswith("compare_digest")}

    assert drawn
    assert compared
    assert [name(path) for path in files("gate", "server", "handler") if "random" in imports(path)] == []


def test_accepted_findings_have_reasons():
    """Where bandit is silenced, the line says why; so does each of its checks that is switched off."""
    silenced = [line for path in files() for line in path.read_text().splitlines() if "# nosec" in line]
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["bandit"]
    explained = re.findall(r'^  "(B\d+)",  # (?:\S+ ){3,}', (ROOT / "pyproject.toml").read_text(), re.M)

    assert [line for line in silenced if not re.search(r"# [^#]*\w+ \w+ \w+[^#]*  # nosec B\d+$", line)] == []
    assert set(options) == {"skips"}
    assert explained == options["skips"]
