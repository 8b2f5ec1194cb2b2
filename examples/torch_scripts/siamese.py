"""A siamese network with a contrastive loss (Hadsell, Chopra, LeCun 2006) puts curves of one kind close together.

    python siamese.py --epochs 10
"""

import argparse
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    """Two noisy curves, and whether they are of different kinds."""

    def __init__(self, n, length=32, classes=4):
        self.label = torch.arange(n) % classes
        t = torch.linspace(0, 6.2832, length)
        phase = torch.rand(n, 1)
        self.curves = torch.sin((self.label + 1).view(-1, 1) * t + phase) + 0.3 * torch.randn(n, length)

    def __len__(self):
        return len(self.curves)

    def __getitem__(self, index):
        same = random.random() < 0.5
        while True:
            other = random.randrange(len(self))
            if (self.label[index] == self.label[other]).item() == same:
                break
        label = torch.tensor([float(not same)], dtype=torch.float32)
        return self.curves[index].unsqueeze(0), self.curves[other].unsqueeze(0), label


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.cnn1 = nn.Sequential(
            nn.Conv1d(1, 8, kernel_size=5, padding=2),
            nn.BatchNorm1d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool1d(2),
            nn.Conv1d(8, 16, kernel_size=3, padding=1),
            nn.BatchNorm1d(16),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool1d(4),
        )
        self.fc1 = nn.Sequential(nn.Linear(16 * 4, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))

    def forward_once(self, x):
        output = self.cnn1(x)
        output = output.view(output.size()[0], -1)
        return self.fc1(output)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        euclidean_distance = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean((1 - label) * torch.pow(euclidean_distance, 2)
                          + label * torch.pow(torch.clamp(self.margin - euclidean_distance, min=0.0), 2))


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    random.seed(args.seed)
    torch.manual_seed(args.seed)
    loader = DataLoader(Pairs(args.n), shuffle=True, batch_size=args.batch_size, num_workers=0)
    net = SiameseNetwork()
    criterion = ContrastiveLoss()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=5e-4, alpha=0.99, eps=1e-8, momentum=0.9)

    losses = []
    for epoch in range(args.epochs):
        for img0, img1, label in loader:
            optimizer.zero_grad()
            output1, output2 = net(img0, img1)
            loss_contrastive = criterion(output1, output2, label)
            loss_contrastive.backward()
            optimizer.step()
            losses.append(loss_contrastive.item())
        print("Epoch number {}\n Current loss {}\n".format(epoch, losses[-1]))
    return losses


if __name__ == "__main__":
    main()
