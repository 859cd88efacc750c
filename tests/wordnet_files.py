"""WordNet's files with a handful of synsets."""

LICENCE = "  1 This software and database is being provided to you\n"


def line(offset, words, parents, gloss):
    """A line of data.noun (wndb(5WN))."""
    pointers = "".join(f" @ {parent:08} n 0000" for parent in parents)
    spelled = " ".join(f"{word} 0" for word in words)
    return (f"{offset:08} 05 n {len(words):02x} {spelled} {len(parents):03}{pointers} | "
            f"{gloss}\n")


def write(folder):
    """Write WordNet's files: entity > animal > (bird > crane), entity > machine > crane, entity >
    person > boss."""
    (folder / "data.noun").write_text(LICENCE + "".join([
        line(1, ["entity"], [], "what is"), line(2, ["animal"], [1], "lives"),
        line(3, ["bird"], [2], 'flies; "a bird sang"'),
        line(4, ["crane", "wading_crane"], [3], "a bird"), line(5, ["machine"], [1], "works"),
        line(6, ["crane"], [5], "lifts"), line(7846, ["person"], [1], "a human being"),
        line(8, ["boss"], [7846], "orders"), line(9917593, ["child"], [7846], "a young one")]))
    (folder / "index.noun").write_text(
        LICENCE + "crane n 2 1 @ 2 1 00000006 00000004\nbird n 1 1 @ 1 1 00000003\n")
    (folder / "cntlist.rev").write_text(
        "crane%1:05:00:: 2 3\ncrane%1:06:00:: 1 5\ncrane%2:38:00:: 1 7\n")
