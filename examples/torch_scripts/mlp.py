"""A multilayer perceptron tells the arms of a spiral apart.

    python mlp.py --epochs 100
"""

import argparse
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def make_spirals(n_per_arm, arms=3, noise=0.15):
    """Points of `arms` interleaved spirals, [n, 2], and the number of the arm of each, [n]."""
    points, labels = [], []
    for arm in range(arms):
        radius = torch.linspace(0.1, 1.0, n_per_arm)
        angle = 4.0 * radius + 2 * math.pi * arm / arms + noise * torch.randn(n_per_arm)
        points.append(torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1))
        labels.append(torch.full((n_per_arm,), arm, dtype=torch.long))
    return torch.cat(points), torch.cat(labels)


class MLP(nn.Module):
    def __init__(self, n_inputs=2, n_hidden=64, n_classes=3, dropout=0.1):
        super(MLP, self).__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, n_hidden),
            nn.ReLU(),
            nn.Dropout(p=dropout),
            nn.Linear(n_hidden, n_hidden),
            nn.ReLU(inplace=True),
            nn.Linear(n_hidden, n_classes),
        )

    def forward(self, x):
        return self.layers(x)


def train(model, loader, criterion, optimizer, device):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * inputs.size(0)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, device):
    model.eval()
    correct = 0
    for inputs, targets in loader:
        outputs = model(inputs.to(device))
        _, predicted = torch.max(outputs.data, 1)
        correct += (predicted == targets.to(device)).sum().item()
    return correct / len(loader.dataset)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--points", type=int, default=200, help="in each arm")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=str, default="", help="file for the weights of the best epoch")
    args = parser.parse_args(argv)

    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    dataset = TensorDataset(*make_spirals(args.points))
    n_test = len(dataset) // 5
    train_set, test_set = random_split(dataset, [len(dataset) - n_test, n_test])
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=256)

    model = MLP().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=max(args.epochs // 3, 1), gamma=0.3)

    losses, best = [], 0.0
    for epoch in range(1, args.epochs + 1):
        loss = train(model, train_loader, criterion, optimizer, device)
        accuracy = evaluate(model, test_loader, device)
        scheduler.step()
        losses.append(loss)
        if epoch == 1 or epoch % 10 == 0 or epoch == args.epochs:
            print(f"epoch {epoch:3d}  loss {loss:.4f}  test accuracy {accuracy:.3f}  lr {scheduler.get_last_lr()[0]:.4f}")
        if args.save and accuracy > best:
            best = accuracy
            torch.save(model.state_dict(), args.save)
    if args.save:
        model.load_state_dict(torch.load(args.save, map_location=device))
        print(f"best weights: test accuracy {evaluate(model, test_loader, device):.3f}")
    return losses


if __name__ == "__main__":
    main()
