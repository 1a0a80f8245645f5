"""The warning of this package. Its errors are numpy's."""


class IllConditionedWarning(RuntimeWarning):
    """A matrix was inverted that is singular to working precision."""


IllConditionedWarning.__module__ = "matinv"
