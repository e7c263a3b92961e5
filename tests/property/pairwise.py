"""Profiles of options such that each two values of two options meet in one of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

Choice = tuple[str, int]
Factors = Mapping[str, Sequence[Any]]


def pairs_of(profile: Mapping[str, int]) -> set[frozenset[Choice]]:
    """Return the pairs of choices that a profile, places of values by name, covers."""
    return {frozenset(pair) for pair in itertools.combinations(profile.items(), 2)}


def all_pairs(factors: Factors) -> set[frozenset[Choice]]:
    """Return all pairs of choices of two options."""
    return {
        frozenset({(a, i), (b, j)})
        for a, b in itertools.combinations(factors, 2)
        for i in range(len(factors[a]))
        for j in range(len(factors[b]))
    }


def covering_profiles(factors: Factors, *, seed: int, n_tries: int) -> list[dict[str, Any]]:
    """Return profiles, those first that cover the most: the best of so many tries each."""
    rng = random.Random(seed)
    uncovered = all_pairs(factors)
    profiles = []
    while uncovered:
        best = max(
            (_candidate(rng, uncovered, factors) for _ in range(n_tries)),
            key=lambda profile: len(pairs_of(profile) & uncovered),
        )
        uncovered -= pairs_of(best)
        profiles.append({name: factors[name][best[name]] for name in factors})
    return profiles


def _candidate(
    rng: random.Random, uncovered: set[frozenset[Choice]], factors: Factors
) -> dict[str, int]:
    """Begin with a pair that no profile has, then give each option the value that adds most."""
    profile = dict(rng.choice(sorted(map(sorted, uncovered))))
    for name in rng.sample(sorted(factors.keys() - profile.keys()), len(factors) - 2):
        profile[name] = max(
            rng.sample(range(len(factors[name])), len(factors[name])),
            key=lambda value: sum(
                frozenset({(name, value), other}) in uncovered for other in profile.items()
            ),
        )
    return profile
