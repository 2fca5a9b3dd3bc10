"""Whether a shift of which species are there explains what is named: the season, and no other model or sound.

Under label shift the black box's answer given the species stays as it was; only the species' prior moves. The prior is
estimated by expectation maximisation (Saerens, Latinne and Decaestecker 2002; for a confusion matrix of a black box it
is the maximum-likelihood counterpart of Lipton, Wang and Smola 2018). A validation set's confusion does not hold in the
field as it stands: it gives P(species | named), and the field's own reference the rest, so that an unmoved prior
explains the reference exactly. Of a species that the reference hardly has, validation gives P(named | species).
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
# Recordings of the reference in which a species is named; with fewer, nothing is known there of how it is named.
_MIN_NAMED = 5.0


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
        """The counts by other codes, shape (n, n).

        Each species is taken to have been named rightly in five windows more, so that a validation of a few windows
        does not decide, and a species that it does not know is named rightly.
        """
        place = {code: index for index, code in enumerate(self.codes)}
        counts = np.zeros((len(codes), len(codes)))
        known = [index for index, code in enumerate(codes) if code in place]
        chosen = [place[codes[index]] for index in known]
        counts[np.ix_(known, known)] = self.counts[np.ix_(chosen, chosen)]
        return np.asarray(counts + _N_RIGHT_BEFORE * np.eye(len(codes)))


def shifted_prior(answers_given: Array, before: Array, counts: Array) -> Array:
    """The species' prior under which what is named is most probable.

    Args:
        answers_given: P(answer | species), shape (n_answers, n_species).
        before: The prior before, from which the search begins, (n_species,).
        counts: How often each answer was given now, (n_answers,).

    Returns:
        The prior now, (n_species,), sums to 1.
    """
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


def explained_share(reference: Array, current: Array, confusion: Array) -> float:
    """Share of the change of what is named that a shift of the prior explains, from 0 to 1.

    Args:
        reference: How often each species was named with a low and with a high score, shape (n_species, n_bins); one
            bin leaves scores out.
        current: The same now.
        confusion: How often each was named (rows) where each was there (columns), as `Confusion.of` gives it.

    Returns:
        1 - JSD(now, explained) / JSD(now, before); 1 where nothing has changed.
    """
    before = (reference + 1e-9).ravel()
    before = before / before.sum()
    species_given_named = confusion / confusion.sum(axis=1, keepdims=True)
    joint = before[:, None] * np.repeat(species_given_named, reference.shape[1], axis=0)
    prior = joint.sum(axis=0)
    answers = joint / prior
    few = reference.sum(axis=1) < _MIN_NAMED
    answers[:, few] = _of_validation(reference, current, confusion)[:, few]
    explained = answers @ shifted_prior(answers, prior, current.ravel())
    moved = float(jensen_shannon(current.ravel(), before))
    left = float(jensen_shannon(current.ravel(), explained))
    return 1.0 if moved <= 0 else float(np.clip(1.0 - left / moved, 0.0, 1.0))


def _of_validation(reference: Array, current: Array, confusion: Array) -> Array:
    """P(answer | species) where the reference has no answers of the species to go by, shape (n_answers, n_species).

    Which name it gets is validation's. Low and high scores are those that the name has in the reference, or has now
    where the reference hardly gave it: of scores that were never seen, nothing has changed.
    """
    few = reference.sum(axis=1, keepdims=True) < _MIN_NAMED
    scores = np.where(few, current, reference) + 1e-9
    scores = scores / scores.sum(axis=1, keepdims=True)
    named_given_species = confusion / confusion.sum(axis=0)
    return np.asarray((scores[:, :, None] * named_given_species[:, None, :]).reshape(-1, confusion.shape[1]))
