"""Every comparison with the champion as one family: a model as good as the champion fails one of them 1 time in 20.

The family is macro mAP and top-1 of all test recordings, and top-1 of every slice that counts. Bounds hold for all of
it together (`silencio.evaluation.simultaneous`). References and heads are compared one by one: a policy names the few
that it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from silencio.evaluation.bootstrap import Bootstrap
from silencio.evaluation.comparisons import CHAMPION, Comparison, PairedDifference
from silencio.evaluation.simultaneous import max_t_upper, sign_test_upper
from silencio.evaluation.slices import SliceMetrics

FAMILY_ERROR = 0.05


@dataclass(frozen=True)
class ChampionFamily:
    """A candidate against the champion on all recordings and on slices.

    Attributes:
        difference: On the recordings on which the two can be compared, (n_fair,).
        bootstrap: Resamples of all test recordings.
        fair: Which of all test recordings these are, bool (n_recordings,).
        masks: Masks of slices over all test recordings, by name.
    """

    difference: PairedDifference
    bootstrap: Bootstrap
    fair: NDArray[np.bool_]
    masks: Mapping[str, NDArray[np.bool_]]

    def with_bounds(self, slices: Sequence[SliceMetrics]) -> tuple[list[Comparison], list[SliceMetrics]]:
        """Macro mAP and top-1 of all recordings, and the same slices, each with its bound where it counts.

        Args:
            slices: Slices as `evaluate_slices` gives them.
        """
        counted = [one.name for one in slices if one.counted and one.change is not None]
        of_map, of_top1, *of_slices = self._bounds(counted)
        bounds = dict(zip(counted, of_slices, strict=True))
        macro_map, top1 = self.difference.comparisons(CHAMPION, self.bootstrap.of(self.fair))
        return (
            [replace(macro_map, simultaneous_upper=of_map), replace(top1, simultaneous_upper=of_top1)],
            [replace(one, simultaneous_upper=bounds.get(one.name)) for one in slices],
        )

    def _bounds(self, counted: Sequence[str]) -> list[float]:
        """Of macro mAP, of top-1, and of top-1 of every slice that counts."""
        hits = self.difference.hits
        members = np.stack([np.ones(len(hits), bool), *(self.masks[name][self.fair] for name in counted)], axis=1)
        inside = self.bootstrap.of(self.fair)
        of_hits = [inside.of(mask).mean(hits[mask]) for mask in members.T]
        # Macro mAP of resamples lies above that of the recordings themselves (`interval_around`).
        maps = self.difference.resampled_macro_map
        centred = maps - np.nanmean(maps) + self.difference.macro_map
        estimates = [self.difference.macro_map, *(hits @ members / members.sum(axis=0))]
        of_map, *of_top1 = max_t_upper(np.stack([centred, *of_hits], axis=1), estimates, FAMILY_ERROR)
        exact = sign_test_upper(hits, members, FAMILY_ERROR)
        return [float(of_map), *(float(bound) for bound in np.maximum(of_top1, exact))]
