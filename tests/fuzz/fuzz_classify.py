"""Fuzz the way from a diagnostic to its explanation.

    python tests/fuzz/fuzz_classify.py -max_total_time=600

Texts are made of the words of the rules' examples, in any order, and of any letters between
them. Arguments are libFuzzer's. Besides crashes it looks for output that is not bounded and for
input that takes long. An input that fails is written to a temporary directory, whose name
libFuzzer prints, unless -artifact_prefix says otherwise.
"""

import json
import sys
import tempfile
import time

import atheris

with atheris.instrument_imports(include=["bounceledger"]):
    from bounceledger.classify.classifier import classify
    from bounceledger.classify.compiled import SOURCE
    from bounceledger.classify.meanings import explain
    from bounceledger.classify.reply import parse_reply
    from bounceledger.classify.rule_file import parse_rules, read_entries
    from bounceledger.classify.traits import Hints

MAX_SECONDS = 2.0
"""Of processor time for one input of any length: a thousand times what a reply takes here, so
that neither instrumented code nor a busy machine reaches it, and anything quadratic does."""


WORDS = sorted(
    {
        word
        for draft in parse_rules(read_entries(SOURCE))
        for example in draft.examples
        for word in example.get("diagnostic", "").split()
    }
)


def made_up(provider: atheris.FuzzedDataProvider) -> str:
    """A diagnostic of up to some hundred thousand characters."""
    times: int = provider.ConsumeIntInRange(1, 64)
    pieces: list[str] = []
    while provider.remaining_bytes():
        known = provider.ConsumeBool()
        pieces.append(provider.PickValueInList(WORDS) if known else provider.ConsumeUnicode(24))
    return " ".join(pieces) * times


def fuzz_one(data: bytes) -> None:
    """Judge one made-up report."""
    provider = atheris.FuzzedDataProvider(data)
    hints = Hints(*(provider.ConsumeUnicode(24) for _ in Hints._fields))
    diagnostic = made_up(provider)
    start = time.process_time()
    verdict = classify(parse_reply(diagnostic), hints)
    seconds = time.process_time() - start
    said = explain(verdict)
    if seconds > MAX_SECONDS:
        raise AssertionError(f"{seconds:.2f} s for {len(diagnostic)} characters")
    if len(json.dumps(said)) > 4096 or not verdict.matched.isprintable():
        raise AssertionError(f"unbounded or unclean: {said}")


def main() -> None:
    """Run until libFuzzer's limits."""
    arguments = list(sys.argv)
    if not any(argument.startswith("-artifact_prefix=") for argument in arguments):
        arguments.append(f"-artifact_prefix={tempfile.mkdtemp(prefix='fuzz-')}/")
    atheris.Setup(arguments, fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
