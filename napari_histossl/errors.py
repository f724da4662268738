"""What can go wrong, as one tree of exceptions.

Every error is a `HistoSSLError` and also the builtin that a caller would expect, so
that both ``except HistoSSLError`` and ``except OSError`` work. A message says what,
where, what was got, what was expected, and the way out.
"""

from __future__ import annotations


class HistoSSLError(Exception):
    """Root of all errors that this package raises on purpose."""


class MissingResourceError(HistoSSLError, FileNotFoundError):
    """A file that ships with the package is not there."""


class GeometryError(HistoSSLError, ValueError):
    """A box, a level or a grid that cannot be."""


class ClassTableError(HistoSSLError, ValueError):
    """A table of classes that contradicts itself, or a class that is not in it."""


class SlideOpenError(HistoSSLError, OSError):
    """A file that is missing or is not a slide that can be opened."""


class SlideReadError(HistoSSLError, OSError):
    """Pixels that cannot be read or decoded."""


class SlideUnreachableError(SlideReadError):
    """Pixels whose file does not answer now; it may come back."""


class SlideChangedError(SlideReadError):
    """Pixels of a file that was replaced or written to while it was open."""


class MissingScaleError(HistoSSLError, ValueError):
    """Work that needs micrometres on a slide that does not say how large a pixel is."""


class NoTissueError(HistoSSLError, ValueError):
    """Work on a slide on which no tissue was found."""


class StoreError(HistoSSLError, OSError):
    """A pyramid on disk that cannot be created, read, or does not fit the slide."""


class StoreLockedError(StoreError):
    """A pyramid, mask or study that another process is writing."""


class WeightsError(HistoSSLError, ValueError):
    """A file of weights that is unsafe, damaged, or of another architecture."""


class ModelError(HistoSSLError, ValueError):
    """An unknown model name or a configuration that a model does not take."""


class PlanError(HistoSSLError, ValueError):
    """Choices that do not add up to a run."""


class DataSetError(HistoSSLError, ValueError):
    """A set of patches, its labels or its masks, that contradicts itself."""


class TrainingError(HistoSSLError, ArithmeticError):
    """A training whose loss is no longer a number."""


class AnnotationError(HistoSSLError, ValueError):
    """A stroke, a class or a mask that does not fit."""


class JournalError(HistoSSLError, OSError):
    """A journal that cannot be written or that does not verify."""


class StudyError(HistoSSLError, ValueError):
    """A reader study that cannot be built, read or closed as asked."""
