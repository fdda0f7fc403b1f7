// A small tour: closures, destructuring, generators, regular expressions, JSON, BigInt.
const text = "The quick brown fox jumps over the lazy dog; the dog sleeps.";
const counts = {};
for (const [word] of text.toLowerCase().matchAll(/\w+/g)) counts[word] = (counts[word] ?? 0) + 1;
print(JSON.stringify(Object.fromEntries(Object.entries(counts).sort())));
function* primes(limit) {
  outer: for (let n = 2; n < limit; n++) {
    for (let d = 2; d * d <= n; d++) if (n % d === 0) continue outer;
    yield n;
  }
}
print([...primes(60)].join(" "));
print(String((1n << 200n) - 1n), Array.from({ length: 1000 }, (_, n) => 1 / (n + 1) ** 2).reduce((a, b) => a + b).toFixed(6));
try {
  null.x;
} catch (error) {
  print(`${error.name}: ${error.message}`);
}
