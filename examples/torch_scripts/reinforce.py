"""REINFORCE (Williams 1992): an agent learns to walk along a slippery corridor to its right end.

    python reinforce.py --episodes 200
"""

import argparse
import random
from collections import deque
from itertools import count

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical


class Corridor:
    """Steps to the left (0) or right (1), one in ten slips back; each costs 0.1, the right end pays 1."""

    def __init__(self, length=6, limit=40):
        self.length, self.limit = length, limit

    def observe(self):
        return np.eye(self.length, dtype=np.float32)[self.position]

    def reset(self):
        self.position, self.steps = 1, 0
        return self.observe()

    def step(self, action):
        move = 1 if action == 1 else -1
        if random.random() < 0.1:
            move = -move
        self.position = min(max(self.position + move, 0), self.length - 1)
        self.steps += 1
        arrived = self.position == self.length - 1
        return self.observe(), 1.0 if arrived else -0.1, arrived or self.steps == self.limit


class Policy(nn.Module):
    def __init__(self, n_states):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(n_states, 16)
        self.dropout = nn.Dropout(p=0.1)
        self.affine2 = nn.Linear(16, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1)


def select_action(policy, state):
    state = torch.from_numpy(state).float().unsqueeze(0)
    m = Categorical(policy(state))
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    return action.item()


def finish_episode(policy, optimizer, gamma, eps=np.finfo(np.float32).eps.item()):
    R = 0
    returns = deque()
    for r in policy.rewards[::-1]:
        R = r + gamma * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_loss = [-log_prob * R for log_prob, R in zip(policy.saved_log_probs, returns)]
    optimizer.zero_grad()
    policy_loss = torch.cat(policy_loss).sum()
    policy_loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]
    return policy_loss.item()


def main(argv=None):
    parser = argparse.ArgumentParser(description="PyTorch REINFORCE example")
    parser.add_argument("--gamma", type=float, default=0.99, metavar="G", help="discount factor (default: 0.99)")
    parser.add_argument("--seed", type=int, default=543, metavar="N", help="random seed (default: 543)")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--log-interval", type=int, default=20)
    args = parser.parse_args(argv)

    random.seed(args.seed)
    torch.manual_seed(args.seed)
    env = Corridor()
    policy = Policy(env.length)
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)

    losses, running_reward = [], 0.0
    for i_episode in range(1, args.episodes + 1):
        state, ep_reward = env.reset(), 0.0
        for _ in count():
            state, reward, done = env.step(select_action(policy, state))
            policy.rewards.append(reward)
            ep_reward += reward
            if done:
                break
        running_reward = 0.05 * ep_reward + 0.95 * running_reward
        losses.append(finish_episode(policy, optimizer, args.gamma))
        if i_episode % args.log_interval == 0:
            print(f"Episode {i_episode}\tLast reward: {ep_reward:.2f}\tAverage reward: {running_reward:.2f}")
    return losses


if __name__ == "__main__":
    main()
