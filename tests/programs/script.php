<?php
// A small tour: closures, sorting, strings, regular expressions, JSON, hashing, files.
$words = preg_split('/\W+/', strtolower("The quick brown fox jumps over the lazy dog; the dog sleeps."), -1, PREG_SPLIT_NO_EMPTY);
$counts = array_count_values($words);
ksort($counts);
arsort($counts);
echo json_encode($counts), "\n";

function primes(int $limit): Generator {
    for ($n = 2; $n < $limit; $n++) {
        for ($d = 2; $d * $d <= $n; $d++) if ($n % $d === 0) continue 2;
        yield $n;
    }
}
echo implode(' ', iterator_to_array(primes(60), false)), "\n";
printf("%.6f %s\n", array_sum(array_map(fn($x) => 1 / $x ** 2, range(1, 1000))), md5(serialize($counts)));
try {
    intdiv(1, 0);
} catch (DivisionByZeroError $error) {
    echo get_class($error), ": ", $error->getMessage(), "\n";
}
