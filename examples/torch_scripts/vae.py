"""A variational autoencoder (Kingma, Welling 2013) of small binary pictures: random bars on a grid.

    python vae.py --epochs 10
"""

from __future__ import print_function

import argparse

import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F


class Bars(torch.utils.data.Dataset):
    """Each row or each column of a picture is on with probability 0.3 (Földiák 1990)."""

    def __init__(self, n, size):
        on = torch.bernoulli(torch.full((n, size), 0.3))
        upright = torch.rand(n) < 0.5
        rows = on.unsqueeze(2).expand(n, size, size)
        self.pictures = torch.where(upright.view(n, 1, 1), rows.transpose(1, 2), rows).unsqueeze(1).contiguous()
        self.labels = upright.long()

    def __getitem__(self, i):
        return self.pictures[i], self.labels[i]

    def __len__(self):
        return self.pictures.size(0)


class VAE(nn.Module):
    def __init__(self, pixels, hidden=64, latent=8):
        super(VAE, self).__init__()
        self.pixels = pixels
        self.fc1 = nn.Linear(pixels, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, pixels)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, self.pixels))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    """Reconstruction + KL divergence of N(mu, exp(logvar)) from N(0, 1), summed over elements and batch."""
    BCE = F.binary_cross_entropy(recon_x, x.view(recon_x.shape), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


def train(epoch, model, loader, optimizer, device, losses):
    model.train()
    train_loss = 0
    for data, _ in loader:
        data = data.to(device)
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
        losses.append(loss.item() / len(data))
    print("====> Epoch: {} Average loss: {:.4f}".format(epoch, train_loss / len(loader.dataset)))


def test(model, loader, device):
    model.eval()
    test_loss = 0
    with torch.no_grad():
        for data, _ in loader:
            data = data.to(device)
            recon_batch, mu, logvar = model(data)
            test_loss += loss_function(recon_batch, data, mu, logvar).item()
    test_loss /= len(loader.dataset)
    print("====> Test set loss: {:.4f}".format(test_loss))
    return test_loss


def main(argv=None):
    parser = argparse.ArgumentParser(description="VAE of bars")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--n", type=int, default=2000, help="pictures")
    parser.add_argument("--size", type=int, default=12, help="pixels in a row")
    parser.add_argument("--no-cuda", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    args.cuda = not args.no_cuda and torch.cuda.is_available()

    torch.manual_seed(args.seed)
    device = torch.device("cuda" if args.cuda else "cpu")
    kwargs = {"num_workers": 1, "pin_memory": True} if args.cuda else {}
    train_loader = torch.utils.data.DataLoader(
        Bars(args.n, args.size), batch_size=args.batch_size, shuffle=True, **kwargs
    )
    test_loader = torch.utils.data.DataLoader(Bars(args.n // 5, args.size), batch_size=args.batch_size, **kwargs)

    model = VAE(args.size**2).to(device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for epoch in range(1, args.epochs + 1):
        train(epoch, model, train_loader, optimizer, device, losses)
        losses.append(test(model, test_loader, device))
    with torch.no_grad():
        sample = model.decode(torch.randn(4, 8).to(device)).cpu().view(4, args.size, args.size)
    for row in zip(*(picture.numpy() for picture in sample)):
        print("   ".join("".join("#" if pixel > 0.5 else "." for pixel in line) for line in row))
    return losses


if __name__ == "__main__":
    main()
