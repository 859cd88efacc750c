"""Of the expressions in a program's shapes, arithmetic passes and nothing else."""

import io
import tokenize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("torch.export.pt2_archive")

from zsl_cli.authoring.networks.vetting import program as rules

symbols = st.sampled_from(["s0", "s77", "u1", "zuf0"])
expressions = st.recursive(
    st.one_of(
        symbols, symbols.map(lambda name: f"Symbol('{name}', positive=True, integer=True)"),
        st.integers().map(lambda number: f"Integer({number})"),
        st.floats(allow_nan=False, allow_infinity=False).map(
            lambda number: f"Float('{number!r}', precision=53)")),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["Add", "Mul", "Max", "FloorDiv", "Mod", "StrictLessThan"]),
                  inner, inner).map(lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "<", "=="]), inner).map(
            lambda parts: f"({' '.join(parts)})")))
pieces = st.sampled_from([
    "Symbol", "Max", "s0", "eval", "__import__", "os", "lambda", "True", "true", "if", "else", "(",
    ")", "[", "]", "{", "}", ",", ".", ":", ":=", "=", "+", "*", "**", "-", "!", "'s0'", "'exit()'",
    '"s0"', "f'{exit()}'", "1", "2.5", "\n", "#", "\\", " ", "é"])


@settings(deadline=None)
@given(expressions)
def test_arithmetic_on_shapes_passes(text):
    rules._check_expression(text, "")


@settings(deadline=None)
@given(st.one_of(st.lists(pieces, max_size=12).map("".join), st.text(max_size=20)))
def test_what_passes_as_an_expression_has_no_other_names_text_or_attributes(text):
    try:
        rules._check_expression(text, "")
    except rules.UnsafeError:
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            assert token.string in {"Symbol", "Max", "s0", "True", "true"} or token.string in {
                "and", "or", "not", "in", "is", "None", "False", "E", "oo", "nan", "pi"}
        elif token.type == tokenize.STRING:
            assert token.string in {"'s0'", '"s0"'}
        assert token.string not in {".", "[", "{", ":", ":=", "!"}
