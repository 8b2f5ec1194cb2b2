"""An LSTM learns to write a text character by character (Karpathy 2015).

    python char_lstm.py --epochs 40
"""

import argparse

import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_

TEXT = """The year's at the spring
And day's at the morn;
Morning's at seven;
The hill-side's dew-pearled;
The lark's on the wing;
The snail's on the thorn:
God's in his heaven,
All's right with the world!
"""  # Robert Browning, Pippa Passes, 1841


class Corpus(object):
    def __init__(self, text, batch_size):
        self.chars = sorted(set(text))
        self.index = {c: i for i, c in enumerate(self.chars)}
        ids = torch.LongTensor([self.index[c] for c in text])
        n = ids.size(0) // batch_size
        self.ids = ids[: n * batch_size].view(batch_size, -1)


class CharLSTM(nn.Module):
    def __init__(self, vocab_size, embed_size, hidden_size, num_layers, dropout=0.0):
        super(CharLSTM, self).__init__()
        self.embed = nn.Embedding(vocab_size, embed_size)
        self.lstm = nn.LSTM(embed_size, hidden_size, num_layers, batch_first=True, dropout=dropout)
        self.linear = nn.Linear(hidden_size, vocab_size)

    def forward(self, x, h):
        out, (h, c) = self.lstm(self.embed(x), h)
        out = out.reshape(out.size(0) * out.size(1), out.size(2))
        return self.linear(out), (h, c)


def detach(states):
    return [state.detach() for state in states]


def sample(model, corpus, states, n, temperature=0.5):
    model.eval()
    x, text = torch.zeros(1, 1, dtype=torch.long), ""
    with torch.no_grad():
        for _ in range(n):
            output, states = model(x, states)
            weights = output.squeeze().div(temperature).exp()
            i = torch.multinomial(weights, 1)[0]
            text += corpus.chars[i]
            x.fill_(i)
    return text


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--bptt", type=int, default=12, help="steps that gradients flow back")
    parser.add_argument("--lr", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=1111)
    args = parser.parse_args(argv)

    torch.manual_seed(args.seed)
    corpus = Corpus(TEXT, args.batch_size)
    model = CharLSTM(len(corpus.chars), 32, args.hidden, args.layers, dropout=0.1)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)

    losses = []
    for epoch in range(args.epochs):
        model.train()
        states = (torch.zeros(args.layers, args.batch_size, args.hidden),
                  torch.zeros(args.layers, args.batch_size, args.hidden))
        for i in range(0, corpus.ids.size(1) - args.bptt, args.bptt):
            inputs = corpus.ids[:, i : i + args.bptt]
            targets = corpus.ids[:, i + 1 : i + 1 + args.bptt]
            states = detach(states)
            outputs, states = model(inputs, states)
            loss = criterion(outputs, targets.reshape(-1))
            model.zero_grad()
            loss.backward()
            clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item())
        if (epoch + 1) % 10 == 0:
            print(f"Epoch [{epoch + 1}/{args.epochs}], Loss: {loss.item():.4f}")
    states = (torch.zeros(args.layers, 1, args.hidden), torch.zeros(args.layers, 1, args.hidden))
    print(sample(model, corpus, states, 60))
    return losses


if __name__ == "__main__":
    main()
