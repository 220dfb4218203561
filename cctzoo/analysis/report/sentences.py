"""What the figures of the heads say, in words."""

import numpy as np

from cctzoo.analysis.recognition.results import LEAST_EVIDENCE


def sentences(heads, control):
    """What the figures of the heads say, in words; nothing is said that they do not."""
    first, last = heads.blocks[0], heads.blocks[-1]
    found = []
    if first is not last:
        accuracies = [100 * block.accuracy for block in heads.blocks]
        ratios = [block.signal_to_noise for block in heads.blocks]
        found.append(
            f"The probe's accuracy {_course(accuracies)} from {accuracies[0]:.1f} % in block "
            f"{first.block} to {accuracies[-1]:.1f} % in block {last.block}; with fresh weights it "
            f"is {100 * control.blocks[0].accuracy:.1f} % and "
            f"{100 * control.blocks[-1].accuracy:.1f} %."
        )
        if None not in ratios:
            found.append(
                f"The signal-to-noise ratio {_course(ratios)} from {ratios[0]:.2f} to "
                f"{ratios[-1]:.2f}; with fresh weights it goes from "
                f"{_or_none(control.blocks[0].signal_to_noise)} to "
                f"{_or_none(control.blocks[-1].signal_to_noise)}."
            )
    average, units = last.averages(), len(last.units)
    plain, chance = last.units_per_label, heads.beyond_chance().blocks[-1]
    found.append(
        f"In the last block one head recognises {average['labels']:.1f} of {len(plain)} labels on "
        f"average, in {average['clusters']:.1f} clusters, of which {average['unit_clusters']:.1f} "
        f"hold a single label; beside them its matrix has {average['noise']:.1f} elements of "
        f"noise. Each label is recognised by {plain.min()} to {plain.max()} of {units} heads."
    )
    fresh = control.blocks[-1].averages()
    found.append(
        f"With fresh weights it would be {fresh['labels']:.1f} labels, "
        f"{fresh['unit_clusters']:.1f} clusters of a single label and {fresh['noise']:.1f} "
        "elements of noise: a head's matrix is compared with its own largest element only, so "
        "that weak structure and chance make clusters too. Counting only labels that stand out "
        f"by {LEAST_EVIDENCE} standard errors, a head of the last block recognises "
        f"{chance.averages()['labels']:.1f} labels."
    )
    flagged = sum(unit.flagged for block in heads.blocks for unit in block.units)
    if flagged:
        found.append(f"{flagged} heads have no positive field and are left out of all averages.")
    return found


def _course(values):
    """Whether numbers rise, fall, or neither, from each to the next."""
    steps = np.diff(values)
    if (steps > 0).all():
        return "rises from block to block,"
    if (steps < 0).all():
        return "falls from block to block,"
    return "goes up and down,"


def _or_none(value):
    return "no value" if value is None else f"{value:.2f}"
