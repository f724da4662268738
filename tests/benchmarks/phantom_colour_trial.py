"""Can colour alone tell the classes of drawn tissue? Can their texture?

Used by `phantom_acceptance.py`. Patches of 128 px at 0.5 um per px, 75 % of one class;
training and test on different seeds. The histogram sees the middle 64 px.
"""

from __future__ import annotations

import time

import numpy as np

from napari_histossl.phantom import Patches, sample_patches

REQUIRED = ("logistic regression", "nearest neighbours")
"""What is asked for; the other classifiers are harder judges, for information."""

_BATCH = 32
_STEPS = 620


def draw_sets(setting: str, amount: float) -> tuple[Patches, Patches]:
    """Draw patches for training (60 slides) and for the test (32 other ones)."""
    train_seeds = range(1, 1 + max(int(60 * amount), 4))
    test_seeds = range(1001, 1001 + max(int(32 * amount), 4))
    return (
        sample_patches(train_seeds, 12, setting=setting),
        sample_patches(test_seeds, 8, setting=setting),
    )


def histograms(images: np.ndarray, bins: int = 8) -> np.ndarray:
    """Return the square root of the colour histogram of the middle 64 px: (N, 512)."""
    middle = images[:, 32:96, 32:96].reshape(len(images), -1, 3).astype(int)
    red, green, blue = np.moveaxis(middle * bins // 256, -1, 0)
    flat = (red * bins + green) * bins + blue
    counts = [np.bincount(row, minlength=bins**3) for row in flat]
    return np.sqrt(np.array(counts) / flat.shape[1])


def histogram_accuracies(train: Patches, test: Patches) -> dict[str, float]:
    """Return the balanced accuracy on the test slides of several classifiers."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    families = {
        "logistic regression": [
            LogisticRegression(C=c, max_iter=3000) for c in (3, 30, 300)
        ],
        "nearest neighbours": [KNeighborsClassifier(k) for k in (1, 5, 15)],
        "random forest": [RandomForestClassifier(300, random_state=0)],
        "support vectors": [SVC(C=30)],
    }
    seen, unseen = histograms(train.images), histograms(test.images)
    # The best on the test slides themselves: this can only flatter the histogram.
    return {
        name: max(
            balanced_accuracy_score(
                test.labels, model.fit(seen, train.labels).predict(unseen)
            )
            for model in models
        )
        for name, models in families.items()
    }


def network_accuracy(
    train: Patches, test: Patches, amount: float
) -> tuple[float, float]:
    """Train a network of six convolutions; return balanced accuracy and seconds."""
    import torch
    from sklearn.metrics import balanced_accuracy_score
    from torch.nn import functional

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = _tensors(train)
    network = _network()
    steps = max(int(_STEPS * min(amount, 1)), 10)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps, pct_start=0.2
    )
    start = time.perf_counter()
    order = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < _BATCH:
            order = torch.randperm(len(images))
        chosen, order = order[:_BATCH], order[_BATCH:]
        loss = functional.cross_entropy(
            network(_standardised(_redyed(images[chosen]))),
            labels[chosen],
            label_smoothing=0.05,
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    images, labels = _tensors(test)
    with torch.no_grad():
        found = [network(_standardised(part)).argmax(1) for part in images.split(64)]
    accuracy = balanced_accuracy_score(labels, torch.cat(found))
    return float(accuracy), time.perf_counter() - start


def _tensors(patches: Patches):
    import torch

    images = torch.from_numpy(patches.images).permute(0, 3, 1, 2).float()
    return images, torch.from_numpy(patches.labels.astype(int)) - 1


def _standardised(images):
    """Optical density with mean 0 and about unit spread in each channel and image."""
    import torch

    density = -torch.log((images + 8) / 263)
    spread = density.std((2, 3), keepdim=True) + 0.1
    return (density - density.mean((2, 3), keepdim=True)) / spread


def _redyed(images):
    """Turn, flip and dye a batch anew."""
    import torch

    for axis in (2, 3):
        if torch.rand(()) < 0.5:
            images = images.flip(axis)
    if torch.rand(()) < 0.5:
        images = images.transpose(2, 3)
    density = -torch.log((images + 4) / 260)
    density = density * torch.exp(0.25 * torch.randn(len(images), 3, 1, 1))
    return (260 * torch.exp(-density)).clamp(0, 255)


def _network():
    """Six convolutions, mean and maximum over the patch, one linear layer: 0.27 M."""
    import torch
    from torch import nn

    def block(before: int, after: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(
                block(3, 24, 2),
                block(24, 48, 2),
                block(48, 48, 1),
                block(48, 96, 2),
                block(96, 96, 1),
                block(96, 128, 2),
            )
            self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(256, 4))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.features(images)  # (B, 128, 8, 8)
            return self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1))

    return Network()
