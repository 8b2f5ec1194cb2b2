"""A convolutional network recognises shapes, or digits from a file.

    python cnn.py --epochs 5
    python cnn.py --data digits.npz        # with arrays "images" [n, H, W] of bytes and "labels" [n]
"""

from __future__ import print_function

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Grey images of discs, squares, rings and crosses, with noise; or the images of an .npz file."""

    def __init__(self, n, size=28, seed=0, path=None, train=True):
        if path:
            with np.load(path) as file:
                images, labels = file["images"], file["labels"]
            cut = len(images) * 4 // 5
            part = slice(0, min(n, cut)) if train else slice(cut, cut + n)
            self.images, self.labels = images[part] / 255.0, labels[part]
            return
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:size, :size]
        self.labels = rng.integers(0, 4, n)
        self.images = rng.random((n, size, size)) * 0.3
        for image, label in zip(self.images, self.labels):
            cx, cy = rng.uniform(size * 0.35, size * 0.65, 2)
            r = rng.uniform(size * 0.15, size * 0.3)
            dx, dy = np.abs(x - cx), np.abs(y - cy)
            distance = np.hypot(dx, dy)
            masks = [distance < r, np.maximum(dx, dy) < r, np.abs(distance - r) < 2, np.minimum(dx, dy) < 2]
            image[masks[label]] += 0.7

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index]).float().unsqueeze(0)
        return (image - 0.25) / 0.3, int(self.labels[index])


class Net(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(16 * 12 * 12, 32)
        self.fc2 = nn.Linear(32, n_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(args, model, device, loader, optimizer, epoch, losses):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if batch_idx % args.log_interval == 0:
            done, percent = batch_idx * len(data), 100.0 * batch_idx / len(loader)
            print(f"Train Epoch: {epoch} [{done}/{len(loader.dataset)} ({percent:.0f}%)]\tLoss: {loss.item():.6f}")


def test(model, device, loader):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for data, target in loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(loader.dataset)
    print(f"Test set: Average loss: {test_loss:.4f}, Accuracy: {correct}/{len(loader.dataset)}")
    return test_loss


def main(argv=None):
    parser = argparse.ArgumentParser(description="Shapes or digits")
    parser.add_argument("--data", default=None, help=".npz file of images and labels")
    parser.add_argument("--n", type=int, default=2000, metavar="N", help="images to train on (default: 2000)")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.7, help="the step of the learning rate")
    parser.add_argument("--no-cuda", action="store_true", default=False)
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--log-interval", type=int, default=10)
    parser.add_argument("--save-model", action="store_true", default=False)
    args = parser.parse_args(argv)

    use_cuda = not args.no_cuda and torch.cuda.is_available()
    torch.manual_seed(args.seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    device = torch.device("cuda" if use_cuda else "cpu")
    kwargs = {"num_workers": 1, "pin_memory": True} if use_cuda else {}

    train_set = Shapes(args.n, seed=1, path=args.data)
    test_set = Shapes(args.n // 5, seed=2, path=args.data, train=False)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True, **kwargs)
    test_loader = DataLoader(test_set, batch_size=200, **kwargs)

    model = Net(int(train_set.labels.max()) + 1).to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    losses = []
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch, losses)
        losses.append(test(model, device, test_loader))
        scheduler.step()
    if args.save_model:
        torch.save(model.state_dict(), "shapes_cnn.pt")
    return losses


if __name__ == "__main__":
    main()
