"""Which models differ from the best one by more than chance, on the same few images."""

from collections.abc import Sequence

Shares = Sequence[float | None]

ALPHA = 0.05
_ROUNDING = 1e-9


def competition_ranks(shares: Sequence[Shares], alpha: float = ALPHA) -> list[int]:
    """Return each model's rank, 1 + the number of models in better groups.

    `shares` has a row a model, best first, and in it the share of passed runs of every image, None where the
    model has no measured run. The first model leads, and those that cannot be told apart from it share its
    rank; the best of the rest leads the next group, and so on. Groups never interleave.
    """
    ranks: list[int] = []
    while len(ranks) < len(shares):
        ranks += [len(ranks) + 1] * leaders(shares[len(ranks) :], alpha)
    return ranks


def leaders(shares: Sequence[Shares], alpha: float = ALPHA) -> int:
    """Return how many models, from the first on, cannot be told apart from the first. `shares` as above.

    Two steps. Models whose paired test against the first (`paired_p_values`) is above `alpha` are tied with
    it. Being first is partly luck when many models are about as good, so another model is set below only if
    its distance is rare among all spreads, highest minus lowest, of the tied models and itself when images
    change signs: the share of such patterns of signs is at most `alpha`. As in Tukey's range test this allows
    for the choice of the leader and for the number of models. Both steps go from the last model upwards and
    end at the first that is tied, so a model is never set below one that is worse.

    By simulation with ten images of three runs: of models of equal worth some is wrongly set below the
    leader in at most 6 % of reports, be there 2 or 24 of them (paired tests alone: in up to 80 %). A model
    of 0.3 is found below one of 0.95 in 95 % of reports with 2 models and in 77 to 94 % with 24, more where
    models find the same images hard (paired tests with Holm's correction: 15 %). Ten images are a small
    sample: 0.7 is found below 0.95 in a fifth of reports with 2 models and hardly ever with 24, and fewer
    than six images never separate anything.
    """
    rows = _deviations(shares)
    tied = _up_to_last_above(alpha, paired_p_values(shares))
    spread_p_values = [1.0] * tied + _spread_p_values(rows, tied)
    return _up_to_last_above(alpha, spread_p_values)


def paired_p_values(shares: Sequence[Shares]) -> list[float]:
    """Return for each model the two-sided p-value that it is as good as the first one.

    The sign-flip test (Fisher 1935, Pitman 1937) of the differences of the two models' shares on the images
    that both have: of all 2^images patterns of signs, all of them counted, the share in which the sum of the
    differences is at least as far from 0. The smallest possible is 2 / 2^images: 0.002 with ten images, 0.06
    with five.
    """
    return [_sign_flip_p_value(_differences(shares[0], row)) for row in shares]


def _sign_flip_p_value(differences: Sequence[float]) -> float:
    sums = _signed_sums(differences)
    return sum(abs(value) >= abs(sums[0]) - _ROUNDING for value in sums) / len(sums)


def _spread_p_values(rows: Sequence[Sequence[float]], tied: int) -> list[float]:
    """Return for each row after the tied ones the share of patterns that spread as far as it is behind."""
    flipped = [_signed_sums(row) for row in rows]
    highest = list(map(max, zip(*flipped[:tied], strict=True)))
    lowest = list(map(min, zip(*flipped[:tied], strict=True)))
    p_values = []
    for own in flipped[tied:]:
        behind = flipped[0][0] - own[0] - _ROUNDING
        spreads = zip(highest, lowest, own, strict=True)
        far = sum(max(high, value) - min(low, value) >= behind for high, low, value in spreads)
        p_values.append(far / len(own))
    return p_values


def _differences(one: Shares, other: Shares) -> list[float]:
    pairs = zip(one, other, strict=True)
    return [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]


def _deviations(shares: Sequence[Shares]) -> list[list[float]]:
    """Return each model's shares less the image's mean over models, over the model's number of images.

    Sums of them differ between models as the models' mean shares do. An image that a model lacks says
    nothing of it, and for the others it counts how they did compared with those that have it too.
    """
    images = [[share for share in image if share is not None] for image in zip(*shares, strict=True)]
    means = [sum(image) / len(image) if image else 0.0 for image in images]
    counts = [max(1, sum(share is not None for share in row)) for row in shares]
    return [
        [0.0 if share is None else (share - mean) / count for share, mean in zip(row, means, strict=True)]
        for row, count in zip(shares, counts, strict=True)
    ]


def _signed_sums(values: Sequence[float]) -> list[float]:
    """Return the sums of the values under every pattern of signs, up to a common one; first as they are."""
    sums = [values[0] if values else 0.0]
    for value in values[1:]:
        sums = [total + value for total in sums] + [total - value for total in sums]
    return sums


def _up_to_last_above(alpha: float, p_values: Sequence[float]) -> int:
    return max(position for position, p_value in enumerate(p_values, 1) if p_value > alpha)
