"""Numbers from arrays, used by several rooms; NumPy only."""

from napari_histossl.metrics.attention import attention_lift, token_shares
from napari_histossl.metrics.knn import knn_accuracy, knn_predict
from napari_histossl.metrics.overlap import dice, iou

__all__ = [
    "attention_lift",
    "dice",
    "iou",
    "knn_accuracy",
    "knn_predict",
    "token_shares",
]
