"""Writes what Python's re says to 600 random expressions, for PythonRegexTest.

    python3 core/src/test/python/make_regex_file.py

Each case is [expression, text, whether it matches the whole text, where a match at the beginning ends or -1]; the last two are
null where the expression is none.
"""
import json
import pathlib
import random
import re
import signal
import warnings

OUT = pathlib.Path(__file__).resolve().parents[1] / "resources/org/lora4j/select/python_regex.json"
ATOMS = ["a", "b", ".", "_", "0", "h", r"\.", r"\d", r"\w", "[ab]", "[^a]", "[a-c_]", r"[\d.]", r"\s", r"\W", r"\D", "[]a]",
         r"\b", r"\B", "^", "$", r"\A", r"\Z", "(?P=n)", r"\1", r"\2", "{", "}", "[a-]", r"\x61", r"\u0061", "(?i:A)", "(?-i:a)",
         "(?#c)", r"\141", r"[\141b]", "-", "é", r"\0", "(?i)", "(?x)", " ", "#", r"\q", "[z-a]", r"\N"]
WEIGHTS = ([10] * 9 + [5] * 14 + [2] * 12 + [1] * 20)[:len(ATOMS)]
GROUPS = ["(", "(?:", "(?P<n>", "(?>", "(?=", "(?!", "(?<=", "(?<!", "(?(1)", "(", "(?:"]
TEXTS = ["", "a", "b", "ab", "aab", "abab", "h.0.a", "aa.b", "a0_b", "h.0.attn", "éa", "\n", "a\n", "A", "aA b", " a#", "aaa"]


def expression(depth):
    text = ""
    for _ in range(random.randint(1, 3)):
        if depth and random.random() < 0.4:
            text += random.choice(GROUPS) + expression(depth - 1) + random.choice(["", "|" + expression(depth - 1)]) + ")"
        else:
            text += random.choices(ATOMS, WEIGHTS)[0]
        if random.random() < 0.3:
            text += random.choice(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{,}"]) + random.choice(["", "", "", "?", "+"])
    return text


def late(*_):
    raise TimeoutError


def main():
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, late)
    random.seed(20210617)
    cases, errors = [], 0
    while len(cases) < 600:
        pattern, text = expression(2), random.choice(TEXTS)
        if "}+" in pattern:  # of a group, re does not try all ways of its rounds
            continue
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            compiled = re.compile(pattern)
            start = compiled.match(text)
            cases.append([pattern, text, bool(compiled.fullmatch(text)), start.end() if start else -1])
        except re.error:
            errors += 1
            if errors <= 100:
                cases.append([pattern, text, None, None])
        except TimeoutError:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    OUT.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
