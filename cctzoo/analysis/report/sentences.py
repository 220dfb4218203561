"""A summary of the figures of the heads in words."""

from collections.abc import Sequence

import numpy as np

from cctzoo.analysis.heads.scores import HeadScores
from cctzoo.analysis.recognition.results import LEAST_EVIDENCE, Performance
from cctzoo.analysis.roles.offsets import HeadOffsets

CLEAR_LIFT = 2  # times equal attention, from which a peak is called one in the sentences


def sentences(heads: Performance, control: Performance) -> list[str]:
    """Summarises the performance of the heads; every statement follows from the figures.

    Args:
        heads: performance of the heads of the model.
        control: the same for a model with fresh weights.
    """
    first, last = heads.blocks[0], heads.blocks[-1]
    found = []
    if first is not last:
        found += _along_blocks(heads, control)
    average, units = last.averages(), len(last.units)
    coverage, chance = last.units_per_label, heads.beyond_chance().blocks[-1]
    found.append(
        f"In the last block, a head recognises {average['labels']:.1f} of "
        f"{len(coverage)} labels on average, in {average['clusters']:.1f} clusters, of which "
        f"{average['unit_clusters']:.1f} hold a single label; {average['noise']:.1f} elements of "
        f"its matrix are noise. Each label is recognised by {coverage.min()} to "
        f"{coverage.max()} of {units} heads."
    )
    fresh = control.blocks[-1].averages()
    found.append(
        f"For comparison, a head with fresh weights recognises {fresh['labels']:.1f} labels, with "
        f"{fresh['unit_clusters']:.1f} clusters of a single label and {fresh['noise']:.1f} "
        "elements of noise: the matrix of a head is compared only with its own largest element, "
        "so that weak structure and chance form clusters too. If only labels count that stand "
        f"out by {LEAST_EVIDENCE} standard errors, a head of the last block recognises "
        f"{chance.averages()['labels']:.1f} labels."
    )
    flagged = sum(unit.flagged for block in heads.blocks for unit in block.units)
    if flagged:
        found.append(
            f"Heads without a positive field, which are left out of all averages: {flagged}."
        )
    return found


def role_sentences(
    offsets: HeadOffsets, agreement: dict[int, dict[str, float]], rank: HeadScores
) -> list[str]:
    """Summarises the roles of the heads; every statement follows from the figures."""
    beside = [each.any(axis=1) for each in offsets.peaks.values()]
    clear = [
        (peaks & (lifts >= CLEAR_LIFT)).sum()
        for peaks, lifts in zip(beside, offsets.lifts.values(), strict=True)
    ]
    found = [
        f"Of {sum(map(len, beside))} heads, {sum(clear)} look beside the query: their attention "
        f"peaks there, with at least {CLEAR_LIFT} times as much as equal attention."
    ]
    if agreement:
        block, last = max(agreement.items())
        found.append(
            f"In block {block}, the class that a head raises most is a label that it recognises "
            f"in {100 * last['raised']:.0f}% of the heads, and the first class of head pursuit in "
            f"{100 * last['first']:.0f}%; chance gives {100 * last['chance']:.0f}%."
        )
    saturated = np.mean(np.concatenate([*rank["saturation"].values()]))
    ranks = [float(np.mean(each)) for each in rank["rank"].values()]
    found.append(
        f"On average, {100 * saturated:.1f}% of the rows of attention are saturated, and the "
        f"attention matrices of a block have a numerical rank of {min(ranks):.1f} to "
        f"{max(ranks):.1f}."
    )
    return found


def _along_blocks(heads, control):
    first, last = heads.blocks[0], heads.blocks[-1]
    fresh_first, fresh_last = control.blocks[0], control.blocks[-1]
    accuracies = [100 * block.accuracy for block in heads.blocks]
    found = [
        f"The accuracy of the probe {_course(accuracies)}: it is {accuracies[0]:.1f}% in block "
        f"{first.block} and {accuracies[-1]:.1f}% in block {last.block}. With fresh weights, it is "
        f"{100 * fresh_first.accuracy:.1f}% and {100 * fresh_last.accuracy:.1f}% in these blocks."
    ]
    ratios = [block.signal_to_noise for block in heads.blocks]
    if None not in ratios:
        found.append(
            f"The signal-to-noise ratio {_course(ratios)}: it is {ratios[0]:.2f} in block "
            f"{first.block} and {ratios[-1]:.2f} in block {last.block}. With fresh weights, it is "
            f"{_ratio(fresh_first.signal_to_noise)} and {_ratio(fresh_last.signal_to_noise)}."
        )
    return found


def _course(values: Sequence[float]) -> str:
    """Describes whether the values rise, fall, or do neither, from each value to the next."""
    steps = np.diff(values)
    if (steps > 0).all():
        return "rises from block to block"
    if (steps < 0).all():
        return "falls from block to block"
    return "neither rises nor falls steadily from block to block"


def _ratio(value):
    return "undefined" if value is None else f"{value:.2f}"
