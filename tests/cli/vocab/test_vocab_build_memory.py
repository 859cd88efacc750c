"""``zsl vocab build`` takes little memory."""

import subprocess
import sys

import numpy as np
import pytest
import word_vectors as files


@pytest.mark.slow
@pytest.mark.usefixtures("procfs")
def test_memory_is_little_more_than_the_vectors_kept(tmp_path, environment):
    """At most 1.3 times what is kept, beyond what the program and the list themselves take; a
    filter that keeps little takes little, and spellings that no label needs take nothing."""
    count, kept, dimension = 36_000, 22_500, 300
    block = np.random.default_rng(0).normal(size=(1000, dimension)).astype("<f4")
    plain = [f"word{i}" for i in range(count)]
    cased = [change(f"word{i}") for i in range(kept)
             for change in (str.upper, str.capitalize, str)]

    def write(name, words):
        with (tmp_path / name).open("wb") as file:
            file.write(b"%d %d\n" % (len(words), dimension))
            for place, word in enumerate(words):
                file.write(word.encode() + b" " + block[place % 1000].tobytes())

    write("big.bin", plain)
    write("cased.bin", cased)
    write("one.bin", plain[:1])
    (tmp_path / "most.txt").write_text("\n".join(plain[:kept]))
    (tmp_path / "few.txt").write_text(f"word5\n{plain[-1]}\n")
    size, size_kept = (words * dimension * 4 for words in (count, kept))

    def peak(*arguments):
        # Not ru_maxrss, which begins with what the process had that started this one.
        code = ("import os, sys\n"
                "os._exit = lambda status: print(next(\n"
                "    line for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
                "from zsl_cli.cli import main\n"
                "main(sys.argv[1:])")
        result = subprocess.run([sys.executable, "-c", code, "vocab", "build", *arguments,
                                 "-o", "out", "--force"],
                                cwd=tmp_path, env=environment, capture_output=True, check=True)
        return int(result.stdout.split()[1]) * 1024

    nothing = peak("big.bin", "--limit", "1")
    assert peak("big.bin") - nothing < 0.3 * size
    assert peak("big.bin", "--labels", "few.txt") - nothing < 10e6
    alone = peak("one.bin", "--labels", "most.txt")
    for vectors in ("big.bin", "cased.bin"):
        assert peak(vectors, "--labels", "most.txt") - alone < 1.3 * size_kept

    pytest.importorskip("gensim")
    (tmp_path / "fast.bin").write_bytes(files.fasttext(
        {word: block[i % 1000] for i, word in enumerate(plain)}, buckets=2000,
        rows=np.tile(block, (2, 1))))
    alone -= nothing
    nothing = peak("fast.bin", "--limit", "1")
    assert peak("fast.bin") - nothing < 1.3 * size
    assert peak("fast.bin", "--labels", "most.txt") - nothing - alone < 1.3 * size_kept
