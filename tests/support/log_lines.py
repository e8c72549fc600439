"""Lines of access logs that are broken in some way."""

import random


def broken(line: str, rng: random.Random) -> str:
    """`line`, spoiled at some place in some way."""
    at = rng.randrange(len(line) + 1)
    noise = "".join(rng.choices('"\\ -[]?/:x0é\t\r\U0001f642', k=rng.randint(1, 3)))
    ways = [
        line[:at],
        line[:at] + noise + line[at:],
        line[:at] + line[at + rng.randint(1, 9) :],
        line[:at] + line,
        line[:at] + noise + line[at + len(noise) :],
    ]
    return rng.choice(ways)


def shifted(line: str, rng: random.Random) -> str:
    """`line` with a word dropped, doubled, put elsewhere, or another in its place."""
    words = line.split(" ")
    at, other = (rng.randrange(min(len(words), 9)) for _ in range(2))
    word = rng.choice([*MISPLACED, *words])
    ways = [
        [*words[:at], *words[at + 1 :]],
        [*words[:at], word, *words[at:]],
        [*words[:at], word, *words[at + 1 :]],
        [*words[:at], words[other], *words[at + 1 :]],
    ]
    return " ".join(rng.choice(ways))


MISPLACED = [
    *("Nov", "25", "10:00:00", "web1", "nginx:", "www.example.com", "www.example.com:443"),
    *("192.0.2.1", "192.0.2.1,", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80", "unknown"),
    *("-", "0.005", "200", "-1", "HTTP/1.1", '"GET', '"-"', "", "frank", "stdout", "F", "1.2.3"),
]


HEAD = "192.0.2.7 - - [10/Oct/2026:13:55:36 -0700]"
