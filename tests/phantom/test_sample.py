"""The sample slide shows everything."""

import numpy as np

from napari_histossl.phantom import sample_source


def test_the_sample_slide_shows_every_class():
    slide = sample_source().open()
    truth = slide.truth(slide.levels[4].box, 4)
    shares = np.bincount(truth.ravel(), minlength=6)[1:] / truth.size
    assert (shares > 0.02).all()
    assert 0.4 < 1 - shares[4] < 0.85
