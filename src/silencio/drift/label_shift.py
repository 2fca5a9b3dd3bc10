"""Whether a shift of which species are there explains what is named: the season, and no other model or sound.

Under label shift the black box's answer given the species stays as it was; only the species' prior moves. The prior is
estimated by expectation maximisation (Saerens, Latinne and Decaestecker 2002; for a confusion matrix of a black box it
is the maximum-likelihood counterpart of Lipton, Wang and Smola 2018). A validation set's confusion does not hold in the
field as it stands: it gives P(species | named), and the field's own reference the rest, so that an unmoved prior
explains the reference exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from silencio.drift.species_mix import jensen_shannon
from silencio.errors import DataError

Array = NDArray[np.float64]
_MAX_STEPS = 500
_SMALL_STEP = 1e-7
# As if each species had been named rightly in so many windows more: validation of few windows says little.
_N_RIGHT_BEFORE = 5.0


@dataclass(frozen=True)
class Confusion:
    """What the bundle named in validation windows of known species.

    Attributes:
        codes: Species.
        counts: How often each was named (rows) where each was there (columns), shape (n, n).
    """

    codes: tuple[str, ...]
    counts: Array

    def __post_init__(self) -> None:
        if self.counts.shape != (len(self.codes), len(self.codes)):
            raise DataError(
                f"a confusion of {len(self.codes)} species has shape {self.counts.shape}: it must be square"
            )

    def of(self, codes: Sequence[str]) -> Array:
        """P(species | named) by other codes, rows sum to 1.

        Each species is taken to have been named rightly in five windows more, so that a validation of a few windows
        does not decide, and a species that it does not know is named rightly.
        """
        place = {code: index for index, code in enumerate(self.codes)}
        counts = np.zeros((len(codes), len(codes)))
        known = [index for index, code in enumerate(codes) if code in place]
        chosen = [place[codes[index]] for index in known]
        counts[np.ix_(known, known)] = self.counts[np.ix_(chosen, chosen)]
        counts += _N_RIGHT_BEFORE * np.eye(len(codes))
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def shifted_prior(joint: Array, counts: Array) -> Array:
    """The species' prior under which what is named is most probable.

    Args:
        joint: P(answer, species) before, shape (n_answers, n_species), sums to 1.
        counts: How often each answer was given now, (n_answers,).

    Returns:
        The prior now, (n_species,), sums to 1.
    """
    before = joint.sum(axis=0)
    answers_given = np.divide(joint, before, out=np.zeros_like(joint), where=before > 0)
    share = counts / counts.sum()
    prior: Array = before.copy()
    for _ in range(_MAX_STEPS):
        expected = answers_given @ prior
        ratio = np.divide(share, expected, out=np.zeros_like(share), where=expected > 0)
        now = prior * (answers_given.T @ ratio)
        now /= max(now.sum(), 1e-300)
        done = np.abs(now - prior).max() < _SMALL_STEP
        prior = now
        if done:
            break
    return np.asarray(prior)


def explained_share(reference: Array, current: Array, species_given_named: Array) -> float:
    """Share of the change of what is named that a shift of the prior explains, from 0 to 1.

    Args:
        reference: How often each species was named with a low and with a high score, shape (n_species, n_bins); one
            bin leaves scores out.
        current: The same now.
        species_given_named: As `Confusion.of` gives it.

    Returns:
        1 - JSD(now, explained) / JSD(now, before); 1 where nothing has changed.
    """
    n_bins = reference.shape[1]
    before = (reference + 1e-9).ravel()
    before = before / before.sum()
    joint = before[:, None] * np.repeat(species_given_named, n_bins, axis=0)
    prior = shifted_prior(joint, current.ravel())
    total = joint.sum(axis=0)
    weight = np.divide(prior, total, out=np.zeros_like(prior), where=total > 0)
    moved = float(jensen_shannon(current.ravel(), before))
    left = float(jensen_shannon(current.ravel(), joint @ weight))
    return 1.0 if moved <= 0 else float(np.clip(1.0 - left / moved, 0.0, 1.0))
