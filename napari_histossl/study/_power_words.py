"""What a power curve means, in plain words."""

from __future__ import annotations

from dataclasses import replace

from napari_histossl.study.power import ENOUGH, PowerCurve, PowerPlan, power_curve

_NAMES: dict[str, str] = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
}


def describe_power(curve: PowerCurve) -> tuple[str, ...]:
    """Return sentences: what the fewest readers can show, and how many are enough.

    Parameters
    ----------
    curve : PowerCurve
        What was simulated.
    """
    return (*_about_few(curve), _about_enough(curve), _about_model(curve.plan))


def describe_design(readers: int, pictures: int, plan: PowerPlan) -> str:
    """Return what a study of this size could have shown, whatever it did show.

    Parameters
    ----------
    readers, pictures : int
        How many were in the primary analysis; at least 2 and 8.
    plan : PowerPlan
        Figure of merit, margin and people; its numbers are replaced.
    """
    even = pictures - pictures % 2
    curve = power_curve(replace(plan, readers=(readers,), cases=(even,)))
    model = plan.model
    return (
        f"A study of this size ({readers} readers, {pictures} pictures, a margin of "
        f"{plan.margin:g} on the {_NAMES[plan.figure]}) shows equivalence in "
        f"{curve.at(readers, even):.0%} of simulated studies in which the truth is "
        f"chance (readers differ by {model.reader_sd:g}, pictures by {model.case_sd:g} "
        f"standard deviations of a reader's noise). This follows from its size alone, "
        f"not from its answers."
    )


def _about_few(curve: PowerCurve) -> tuple[str, ...]:
    plan, few = curve.plan, min(curve.plan.readers)
    row = curve.power[plan.readers.index(few)]
    listed = ", ".join(
        f"{power:.0%} with {cases} pictures"
        for cases, power in zip(plan.cases, row, strict=True)
    )
    first = f"{few} readers {_hope(plan)}: {listed}."
    if max(row) >= ENOUGH:
        return (first,)
    too_few = (
        f"So {few} readers are too few for it, and more pictures do not help much: how "
        f"readers differ is told from {few} of them only. What {few} readers can show "
        f"is how each of them did, with an exact interval, for these readers alone."
    )
    return (first, too_few)


def _hope(plan: PowerPlan) -> str:
    figure = _NAMES[plan.figure]
    if plan.goal == "equivalence":
        return (
            f"show equivalence to chance (margin {plan.margin:g} on the {figure}) if "
            f"the truth is {plan.truth:g}, in this share of studies"
        )
    return (
        f"show that the {figure} is not chance if the truth is {plan.truth:g}, in this "
        f"share of studies"
    )


def _about_enough(curve: PowerCurve) -> str:
    enough = [
        f"{readers} readers with {cases} pictures"
        for readers in curve.plan.readers
        if (cases := curve.fewest_cases(readers)) is not None
    ]
    if not enough:
        return (
            f"No design of this curve reaches a power of {ENOUGH:.0%}: ask more "
            f"readers, or set a wider margin before the study and say why."
        )
    return f"A power of {ENOUGH:.0%} is reached by {'; '.join(enough)}."


def _about_model(plan: PowerPlan) -> str:
    model = plan.model
    return (
        f"Simulated: {plan.studies} studies a point; readers differ by "
        f"{model.reader_sd:g} and pictures by {model.case_sd:g} standard deviations of "
        f"a reader's noise. If yours differ more, power is lower."
    )
