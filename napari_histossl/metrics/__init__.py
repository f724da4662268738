"""Numbers from arrays, used by several rooms; NumPy and SciPy only."""

from napari_histossl.metrics.attention import attention_lift, token_shares
from napari_histossl.metrics.confusion import confusion_matrix
from napari_histossl.metrics.knn import knn_accuracy, knn_predict, knn_votes
from napari_histossl.metrics.linear import LinearProbe, fit_classes, fit_number
from napari_histossl.metrics.overlap import dice, iou
from napari_histossl.metrics.ranking import (
    class_aucs,
    kendall_tau,
    prediction_probability,
    roc_auc,
)
from napari_histossl.metrics.segmentation import Confusion

__all__ = [
    "Confusion",
    "LinearProbe",
    "attention_lift",
    "class_aucs",
    "confusion_matrix",
    "dice",
    "fit_classes",
    "fit_number",
    "iou",
    "kendall_tau",
    "knn_accuracy",
    "knn_predict",
    "knn_votes",
    "prediction_probability",
    "roc_auc",
    "token_shares",
]
