"""``EvalDatasets``: the data sets of ``evals.datasets``, found among the control planes by their names."""

from collections.abc import Callable, Sequence

from bot.errors import Refused
from bot.ports import EvalDataset


class Datasets:
    """Implements ``bot.ports.EvalDatasets``."""

    def __init__(self, names: Sequence[str], find: Callable[[str], object | None]) -> None:
        """``find`` gives the instance of a name of ``controls``, or None where it could not be made."""
        self._names = tuple(names)
        self._find = find

    def names(self) -> Sequence[str]:
        """Their names, in the order of the configuration."""
        return self._names

    def dataset(self, name: str) -> EvalDataset:
        """One of them. Raises Refused when it is not named, or cannot be used as it is configured."""
        found = self._find(name) if name in self._names else None
        if isinstance(found, EvalDataset):
            return found
        reason = "is not named in evals.datasets" if name not in self._names else "is not configured as a data set"
        raise Refused(f"{name} {reason}.", field="where", next_step="See `pullcord check-config`.")
