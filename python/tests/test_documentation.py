"""The examples in the documentation are true, and the stub is what is there."""

import doctest
import importlib
import importlib.util
import inspect

import pytest

import matinv


@pytest.mark.parametrize("name", ["matinv", "matinv.torch", "matinv.jax"])
def test_examples(name):
    library = name.partition(".")[2]
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    module = importlib.import_module(name)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    tried = 0
    for public in module.__all__:
        thing = getattr(module, public)
        if not inspect.isfunction(thing) and public != "threads":
            continue
        for test in finder.find(thing, public, module=False, globs={}):
            assert test.examples, f"{public} has no example"
            tried += runner.run(test).attempted
    assert runner.failures == 0 and tried > 0


def test_everything_public_says_what_it_is():
    for name in matinv.__all__:
        assert inspect.getdoc(getattr(matinv, name)), name
    for function in (matinv.inv, matinv.inv_ex):
        parameters = inspect.signature(function).parameters
        assert list(parameters)[0] == "a"
        assert all(p.kind is p.KEYWORD_ONLY for p in list(parameters.values())[1:])
        assert all(name in function.__doc__ for name in parameters)
