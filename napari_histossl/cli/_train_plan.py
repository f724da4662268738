"""A training started from a shell: a recipe, and what a person changed of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histossl.cli._common import show_progress

if TYPE_CHECKING:
    from napari_histossl.cli._train_data import DataChoice
    from napari_histossl.training.presets import Preset
    from napari_histossl.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A recipe by name, with what a person changed of it."""

    method: str
    name: str
    preset: Preset
    steps: int | None
    minutes: float | None
    batch: int | None
    seed: int
    threads: int
    device: str

    @property
    def recipe(self) -> Any:
        """The recipe of the method; its steps may still have to be chosen."""
        recipe = self.preset.recipe
        return replace(recipe, seed=self.seed, batch=self.batch or recipe.batch)

    def run(
        self,
        kind: Callable[..., Trainer],
        choice: DataChoice,
        out: Path,
        *,
        half: bool,
        add: bool,
        overwrite: bool,
    ) -> None:
        """Load what is learned from, train, and say what was written."""
        import torch

        from napari_histossl.models.weights import check_target

        torch.set_num_threads(self.threads)
        check_target(out)
        items, learned_from = choice.load()

        def trainer(recipe: Any) -> Trainer:
            return kind(items, recipe, mpp=choice.mpps[0], device=self.device)

        steps = self._chosen_steps(trainer, len(items), out, overwrite)
        facts = {
            **training_facts(f"{self.method}, recipe {self.name}"),
            **learned_from,
            "threads": self.threads,
            "device": self.device,
        }
        run_training(
            trainer(replace(self.recipe, steps=steps)),
            out,
            facts,
            half=half,
            add=add,
            overwrite=overwrite,
        )

    def _chosen_steps(
        self, trainer: Callable[[Any], Trainer], count: int, out: Path, overwrite: bool
    ) -> int:
        """Return the steps asked for, those begun with, or those that fit."""
        from napari_histossl.training.loop import begun_steps, steps_in

        if self.steps is not None:
            return self.steps
        if self.minutes is None:
            return replace(self.preset, recipe=self.recipe).steps(count)
        begun = None if overwrite else begun_steps(out)
        steps = begun or steps_in(lambda: trainer(self.recipe), self.minutes)
        print(f"{steps} steps: what fits into {self.minutes:g} min here")
        return steps


def training_facts(method: str) -> dict[str, Any]:
    """Return what is written down about any training."""
    return {
        "method": method,
        "command": shlex.join(["napari-histossl", *sys.argv[1:]]),
        "versions": {n: version(n) for n in ("napari-histossl", "numpy")},
    }


def run_training(
    trainer: Trainer,
    out: Path,
    facts: dict[str, Any],
    *,
    half: bool = False,
    add: bool = False,
    overwrite: bool = False,
) -> None:
    """Train with a bar, and say what was written."""
    from napari_histossl.models import add_weights, examine_weights
    from napari_histossl.training import train

    work = train(trainer, out, provenance=facts, overwrite=overwrite, half=half)
    show_progress(work, "training")
    print(f"written   {out}, sha256 {examine_weights(out).sha256}")
    if add:
        print(f"added     {add_weights(out, overwrite=overwrite).path}")
