"""What the trainings started from a shell learn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histossl.cli._common import show_progress
from napari_histossl.errors import HistoSSLError, PlanError

if TYPE_CHECKING:
    from napari_histossl.phantom.patches import Patches
    from napari_histossl.slide import FileSource
    from napari_histossl.training import Drawing
    from napari_histossl.training.batches import Items

SlidesOption = Annotated[
    Path | None,
    typer.Option("--slides", help="Learn from the tissue of the slides in a folder."),
]
PicturesOption = Annotated[
    Path | None,
    typer.Option("--pictures", help="Learn from the pictures in a folder."),
]
DrawnOption = Annotated[
    int, typer.Option("--drawn", min=1, help="Drawn slides, where no folder is given.")
]
PatchesOption = Annotated[
    int | None,
    typer.Option(
        "--patches",
        min=1,
        help="Patches of each magnification from each slide; of drawn slides of each "
        "class. By default 500, of drawn ones 25.",
    ),
]
PatchPixelsOption = Annotated[
    int | None,
    typer.Option("--patch-px", min=8, help="Edge of a patch; by default the recipe's."),
]
ScalesOption = Annotated[
    list[float] | None,
    typer.Option(
        "--at-mpp",
        help="Micrometres per pixel of the patches; repeat to mix magnifications.",
    ),
]
SlideScaleOption = Annotated[
    float | None,
    typer.Option("--mpp", help="Micrometres per pixel of slides that do not say."),
]
ThreadsOption = Annotated[
    int,
    typer.Option("--threads", min=1, help="Processor cores; part of the result."),
]


@dataclass(frozen=True, slots=True)
class DataChoice:
    """What a person chose to learn from."""

    slides: Path | None
    pictures: Path | None
    grids: Path | None
    drawn: int
    patches: int | None
    patch_px: int
    mpps: tuple[float, ...]
    slide_mpp: float | None
    seed: int
    threads: int

    def load(self) -> tuple[Items, dict[str, Any]]:
        """Return what is learned from, and what to write down about it."""
        given = [f for f in (self.slides, self.pictures, self.grids) if f is not None]
        if len(given) > 1:
            raise PlanError(
                f"learn from one thing at a time; got {' and '.join(map(str, given))}"
            )
        if self.grids is not None:
            return self._from_grids(self.grids)
        if self.slides is not None:
            return self._from_slides(self.slides)
        if self.pictures is not None:
            return self._from_pictures(self.pictures)
        return self._from_drawings()

    def _from_slides(self, folder: Path) -> tuple[Items, dict[str, Any]]:
        from napari_histossl.training.slide_patches import (
            PatchPlan,
            SlidePatches,
            find_places,
        )

        if not folder.is_dir():
            raise PlanError(f"there is no folder {folder} to take slides from")
        files = sorted(p.absolute() for p in folder.iterdir() if p.is_file())
        sources = [slide_source(path, self.slide_mpp) for path in files]
        plan = PatchPlan(self.patches or 500, self.patch_px, self.mpps, self.seed)
        places: list[Any] = []
        problems: list[str] = []
        show_progress(find_places(sources, plan, places, problems), "finding tissue")
        for problem in problems:
            print(problem)
        items = SlidePatches(places)
        print(f"{len(items)} patches of {len(sources) - len(problems)} slides")
        names = sorted({place.source.name for place in places})
        return items, {"slides": names, "patches": asdict(plan)}

    def _from_pictures(self, folder: Path) -> tuple[Items, dict[str, Any]]:
        from napari_histossl.training.pictures import Pictures, find_pictures

        finest = self.mpps[0]
        factors = [round(mpp / finest) for mpp in self.mpps]
        if any(
            abs(f * finest - m) > 0.02 * m
            for f, m in zip(factors, self.mpps, strict=True)
        ):
            raise PlanError(
                f"pictures at {finest:g} um/px can be mixed with whole multiples of "
                f"that scale; got {', '.join(f'{mpp:g}' for mpp in self.mpps)}"
            )
        paths = find_pictures(folder)
        items = Pictures(paths, self.patch_px, factors=factors)
        print(f"{len(paths)} pictures, {len(items)} with all magnifications")
        facts = {"patch_px": self.patch_px, "mpps": self.mpps, "count": len(paths)}
        return items, {"pictures": facts}

    def _from_grids(self, folder: Path) -> tuple[Items, dict[str, Any]]:
        from napari_histossl.training.grids import load_regions

        items = load_regions(folder, self.patch_px)
        count, edge, _, width = items.shape
        print(f"{count} regions of {edge} x {edge} features of {width} numbers")
        return items, {"grids": {"regions": count, "edge": edge, "width": width}}

    def _from_drawings(self) -> tuple[Items, dict[str, Any]]:
        from napari_histossl.training import Drawing, join

        plans = [
            Drawing(
                seeds=tuple(range(1, self.drawn + 1)),
                per_class=self.patches or 25,
                patch_px=self.patch_px,
                mpp=mpp,
            )
            for mpp in self.mpps
        ]
        parts = [drawn_patches(plan, self.threads, "drawing tissue") for plan in plans]
        facts = [asdict(plan) for plan in plans]
        return join(parts).images, {"drawing": facts[0] if len(facts) == 1 else facts}


def slide_source(path: Path, mpp: float | None) -> FileSource:
    """Return a slide's record, with a scale where it does not say its own."""
    from napari_histossl.slide import FileSource

    source = FileSource(path)
    if mpp is None:
        return source
    try:
        with source.open() as slide:
            return source if slide.mpp_yx else FileSource(path, (mpp, mpp))
    except HistoSSLError:
        return source  # what is wrong with it is said when patches are looked for


def drawn_patches(drawing: Drawing, workers: int, title: str) -> Patches:
    """Draw patches with a bar."""
    from napari_histossl.training import draw, join

    parts: list[Patches] = []
    show_progress(draw(drawing, parts, workers=workers), title)
    return join(parts)
