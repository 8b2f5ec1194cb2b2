"""Pictures of three times the size by sub-pixel convolution (Shi and others 2016).

    python super_resolution.py --upscale_factor 3 --nEpochs 20
"""

from __future__ import print_function

import argparse
from math import log10

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super(Net, self).__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(16, 16, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(16, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)


def waves(n, size):
    """Sums of three plane waves, [n, 1, size, size]."""
    y, x = torch.meshgrid(torch.arange(size).float(), torch.arange(size).float(), indexing="ij")
    picture = torch.zeros(n, size, size)
    for _ in range(3):
        k, phase = torch.rand(2, n, 1, 1) * 0.8, torch.rand(n, 1, 1) * 6.28
        picture += torch.sin(k[0] * x + k[1] * y + phase) / 6
    return (picture + 0.5).unsqueeze(1)


def make_set(n, factor, size=24):
    large = waves(n, size)
    return TensorDataset(F.interpolate(large, scale_factor=1 / factor, mode="bilinear", align_corners=False), large)


def main(argv=None):
    parser = argparse.ArgumentParser(description="PyTorch Super Res Example")
    parser.add_argument("--upscale_factor", type=int, default=3, help="super resolution upscale factor")
    parser.add_argument("--n", type=int, default=256, help="training pictures")
    parser.add_argument("--batchSize", type=int, default=16, help="training batch size")
    parser.add_argument("--nEpochs", type=int, default=20, help="number of epochs to train for")
    parser.add_argument("--lr", type=float, default=0.002, help="Learning Rate. Default=0.002")
    parser.add_argument("--seed", type=int, default=123, help="random seed to use. Default=123")
    opt = parser.parse_args(argv)

    torch.manual_seed(opt.seed)
    device = torch.device("cpu")
    training_data_loader = DataLoader(make_set(opt.n, opt.upscale_factor), batch_size=opt.batchSize, shuffle=True)
    testing_data_loader = DataLoader(make_set(opt.n // 4, opt.upscale_factor), batch_size=opt.batchSize, shuffle=False)

    model = Net(upscale_factor=opt.upscale_factor).to(device)
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=opt.lr)

    losses = []
    for epoch in range(1, opt.nEpochs + 1):
        model.train()
        for input, target in training_data_loader:
            input, target = input.to(device), target.to(device)
            optimizer.zero_grad()
            loss = criterion(model(input), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

        model.eval()
        avg_psnr = 0
        with torch.no_grad():
            for input, target in testing_data_loader:
                mse = criterion(model(input.to(device)), target.to(device))
                avg_psnr += 10 * log10(1 / mse.item())
        losses.append(avg_psnr / len(testing_data_loader))
        print("===> Epoch {} Avg. PSNR: {:.4f} dB".format(epoch, losses[-1]))
    return losses


if __name__ == "__main__":
    main()
