"""A small tour: classes, generators, exceptions, the standard library, files."""

import hashlib
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(order=True)
class Point:
    x: int
    y: int


def primes(limit):
    for n in range(2, limit):
        if all(n % d for d in range(2, int(n**0.5) + 1)):
            yield n


text = "The quick brown fox jumps over the lazy dog; the dog sleeps."
counts = Counter(re.findall(r"\w+", text.lower()))
print(json.dumps(counts, sort_keys=True))
print(*primes(60))
print(sorted(Point(i * 7 % 5, i) for i in range(4)))
print(hashlib.sha256(text.encode()).hexdigest(), 3**200 % 10**20)
print(f"{sum(1 / n**2 for n in range(1, 1000)):.6f}")
out = Path(sys.argv[0]).with_name("out.txt")
out.write_text("\n".join(sys.argv[1:]))
print(out.read_text().splitlines())
try:
    {}["missing"]
except KeyError as error:
    print(repr(error))
sys.exit(3)
