"""Which supervisor a running trial belongs to, and whether that supervisor is still there.

Each supervisor of a shared ledger counts up a number in it. Another one is lost when its number has not moved
for a while by the observer's own clock, so that clocks of machines are never compared.
"""

import time
import uuid
from collections.abc import Callable

from optuna.trial import FrozenTrial

from arnn_search.studies.ledger import Ledger, trial_attribute

_PREFIX = "lease:"
_ENDED = -1


class Lease:
    """This supervisor's sign of life, and its view of the others'.

    Args:
        ledger: where the signs are.
        shared: whether there can be others at all; if not, what another one left is lost.
        seconds: without a sign after which a supervisor is lost.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        shared: bool,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = uuid.uuid4().hex
        self._ledger, self._shared, self._seconds, self._clock = ledger, shared, seconds, clock
        self._count = 0
        self._renewed = -float("inf")
        self._looked = clock()
        self._seen: dict[str, tuple[int, float]] = {}

    @property
    def shared(self) -> bool:
        """Whether other supervisors may work on the same study."""
        return self._shared

    def renew(self) -> None:
        """Gives a sign of life, if it is time for one."""
        now = self._clock()
        self._discount(now)
        if self._shared and now - self._renewed >= self._seconds / 6:
            self._count += 1
            self._ledger.set_attribute(_PREFIX + self.identity, self._count)
            self._renewed = now

    def _discount(self, now: float) -> None:
        """Holds nothing against the others that happened while this supervisor itself could not look.

        It was stopped, or the database was away, for all of them. A look counts for as long as it may take
        them to give a sign, and no longer: so also one who looks seldom finds out in the end.
        """
        blind = now - self._looked - self._seconds / 6
        if blind > 0:
            self._seen = {owner: (count, since + blind) for owner, (count, since) in self._seen.items()}
        self._looked = now

    def end(self) -> None:
        """Says that this supervisor has ended, so that nobody waits for it."""
        if self._shared:
            self._ledger.set_attribute(_PREFIX + self.identity, _ENDED)

    def has_lost(self, trial: FrozenTrial) -> bool:
        """Whether a running trial of the ledger has nobody left who runs it."""
        owner = trial_attribute(trial, "supervisor", "")
        if owner == self.identity:
            return False
        if not self._shared or not owner:
            return True
        count = self._count_of(owner)
        now = self._clock()
        known, since = self._seen.get(owner, (None, now))
        if known != count:
            self._seen[owner] = (count, now)
            return count == _ENDED
        return count == _ENDED or now - since > self._seconds

    def has_died(self, trial: FrozenTrial) -> bool:
        """Whether the supervisor that a lost trial belonged to went without a word, maybe because of it."""
        owner = trial_attribute(trial, "supervisor", "")
        return self._shared and self._count_of(owner) != _ENDED

    def _count_of(self, owner: str) -> int:
        return int(self._ledger.attributes.get(_PREFIX + owner, _ENDED))
