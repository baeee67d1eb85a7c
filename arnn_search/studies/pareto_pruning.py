"""Pruning with several objectives, where Optuna's pruners do not apply."""

from collections.abc import Mapping, Sequence

from arnn_search.studies.ranking import costs, dominates

_REDUCTION_FACTOR = 3
_FEWEST_PEERS = 5


class ParetoRule:
    """Stops a trial that many others dominate at the same epoch.

    It judges at the epochs 1, 3, 9, ... that successive halving would. A trial with n peers, which are the
    trials that have reported that epoch, is stopped if at least n/3 of them, and no fewer than 2, dominate
    it: are nowhere worse in any objective, and better in one. With fewer than 5 peers nothing is stopped.

    Args:
        directions: of the objectives.
        peers: what each other trial reported, by epoch.
    """

    def __init__(self, directions: Sequence[str], peers: Sequence[Mapping[int, Sequence[float]]]) -> None:
        self._directions, self._peers = directions, peers

    def should_prune(self, epoch: int, values: Sequence[float]) -> bool:
        """Whether the trial is not worth going on with, after these values in this epoch."""
        if not _is_rung(epoch):
            return False
        own = costs(values, self._directions)
        peers = [costs(reports[epoch], self._directions) for reports in self._peers if epoch in reports]
        if len(peers) < _FEWEST_PEERS:
            return False
        dominating = sum(dominates(other, own) for other in peers)
        return dominating >= max(2, len(peers) / _REDUCTION_FACTOR)


def _is_rung(epoch: int) -> bool:
    while epoch > 1 and epoch % _REDUCTION_FACTOR == 0:
        epoch //= _REDUCTION_FACTOR
    return epoch == 1
