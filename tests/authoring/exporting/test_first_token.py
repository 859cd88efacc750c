"""A class token is taken before the last layer, and what comes out stays the same."""

import numpy as np
import onnx
import onnxruntime
import pytest

from zsl_cli.authoring.exporting import first_token

WIDTH, HEADS, TOKENS = 8, 2, 5

LAYER = """
  n{l} = LayerNormalization<axis = -1>(x{l}, scale, bias)
  q{l} = MatMul(n{l}, w{l}q)
  k{l} = MatMul(n{l}, w{l}k)
  v{l} = MatMul(n{l}, w{l}v)
  qs{l} = Reshape(q{l}, apart)
  ks{l} = Reshape(k{l}, apart)
  vs{l} = Reshape(v{l}, apart)
  qh{l} = Transpose<perm = [0, 2, 1, 3]>(qs{l})
  kh{l} = Transpose<perm = [0, 2, 3, 1]>(ks{l})
  vh{l} = Transpose<perm = [0, 2, 1, 3]>(vs{l})
  products{l} = MatMul(qh{l}, kh{l})
  placed{l} = Add(products{l}, places)
  shares{l} = Softmax<axis = -1>(placed{l})
  seen{l} = MatMul(shares{l}, vh{l})
  back{l} = Transpose<perm = [0, 2, 1, 3]>(seen{l})
  flat{l} = Reshape(back{l}, together)
  out{l} = MatMul(flat{l}, w{l}o)
  r{l} = Add(x{l}, out{l})
  mean{l} = ReduceMean<axes = [-1]>(r{l})
  centred{l} = Sub(r{l}, mean{l})
  wide{l} = MatMul(centred{l}, w{l}u)
  bent{l} = Sigmoid(wide{l})
  gated{l} = Mul(wide{l}, bent{l})
  narrow{l} = MatMul(gated{l}, w{l}d)
  x{m} = Add(r{l}, narrow{l})
"""


def network(end, layers=2, tokens=TOKENS, behind=""):
    """A small vision transformer, its last state ``x2``, with an end of one's own."""
    body = "".join(LAYER.format(l=at, m=at + 1) for at in range(layers))
    model = onnx.parser.parse_model(f"""
      <ir_version: 8, opset_import: ["" : 17]>
      network (float[batch, {tokens}, {WIDTH}] x0) => (float[batch, {WIDTH}] y{behind}) {{
        {body}
        {end}
      }}""")
    random = np.random.default_rng(0)
    shapes = {"scale": WIDTH, "bias": WIDTH, "places": (1, HEADS, TOKENS, TOKENS)}
    for layer in range(layers):
        shapes |= {f"w{layer}{one}": (WIDTH, WIDTH) for one in "qkvo"}
        shapes |= {f"w{layer}u": (WIDTH, 4 * WIDTH), f"w{layer}d": (4 * WIDTH, WIDTH)}
    values = {name: random.normal(size=shape).astype(np.float32)
              for name, shape in shapes.items()}
    values |= {"apart": np.array([0, -1, HEADS, WIDTH // HEADS]), "zero": np.array(0),
               "one": np.array(1), "last": np.array(-1), "together": np.array([0, -1, WIDTH]),
               "from": np.array([0]), "until": np.array([1]), "axis": np.array([1])}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name)
                                   for name, value in values.items())
    onnx.checker.check_model(model)
    return model


def results(model, count):
    """What a network gives for so many rows, and the sizes of all that its nodes give."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    inside = [name for node in copy.graph.node for name in node.output]
    ends = {one.name for one in copy.graph.output}
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inside if name not in ends)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(copy.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    rows = np.random.default_rng(1).normal(size=(count, TOKENS, WIDTH)).astype(np.float32)
    names = [one.name for one in session.get_outputs()]
    given = dict(zip(names, session.run(names, {"x0": rows}), strict=True))
    return [given[one.name] for one in model.graph.output], {
        name: value.shape for name, value in given.items()}


def agree(model, changed):
    """The same comes out, for several rows and for one."""
    for count in (3, 1):
        for expected, got in zip(results(model, count)[0], results(changed, count)[0],
                                 strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def changed(model):
    """A copy with its token taken early, and how many nodes that concerned."""
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    count = first_token.take_early(copy)
    onnx.checker.check_model(copy, full_check=True)
    return copy, count


@pytest.mark.parametrize("end", [
    "y = Gather<axis = 1>(x2, zero)",
    "first = Slice(x2, from, until, axis) y = Squeeze(first, axis)",
    "n2 = LayerNormalization<axis = -1>(x2, scale, bias) y = Gather<axis = 1>(n2, zero)"])
def test_the_last_layer_has_one_row(end):
    model = network(end)
    taken, count = changed(model)
    agree(model, taken)
    shapes = results(taken, 3)[1]
    for name in ("q1", "out1", "wide1", "narrow1"):
        assert shapes[name][1] == 1, name
    assert shapes["products1"] == (3, HEADS, 1, TOKENS)
    for name in ("n1", "k1", "v1", "x1", "wide0"):
        assert shapes[name][1] == TOKENS, name
    assert count >= 17


@pytest.mark.parametrize("end", [
    "y = ReduceMean<axes = [1], keepdims = 0>(x2)",  # all tokens count
    "y = Gather<axis = 1>(x2, one)",
    "y = Gather<axis = 1>(x2, last)",
    "t = ReduceMean<axes = [1], keepdims = 0>(x2) f = Gather<axis = 1>(x2, zero) y = Add(t, f)"])
def test_a_network_that_needs_other_tokens_stays_as_it_is(end):
    model = network(end)
    taken, count = changed(model)
    assert count == 0
    assert taken == model


def test_what_is_wanted_whole_is_computed_whole():
    """The states of the last layer are an output of the graph, too."""
    model = network("y = Gather<axis = 1>(x2, zero)", behind=f", float[batch, {TOKENS}, 8] x2")
    taken, count = changed(model)
    assert count == 0
    assert taken == model


@pytest.mark.parametrize(("end", "whole", "narrow"), [
    ("""sizes = Shape(q1)
        count = Gather<axis = 0>(sizes, one)
        t = Cast<to = 1>(count)""", "q1", "wide1"),  # a size
    ("""yes = Greater(scale, scale)
        any = Cast<to = 9>(one)
        t = If(any) <then_branch = then () => (float[batch, 8] a)
                       {a = ReduceMean<axes = [1], keepdims = 0>(r1)},
                     else_branch = other () => (float[batch, 8] b)
                       {b = ReduceMean<axes = [1], keepdims = 0>(n1)}>""", "r1", "centred1")])
def test_what_others_use_stays_whole(end, whole, narrow):
    """Also a graph within a graph."""
    model = network(f"{end} f = Gather<axis = 1>(x2, zero) y = Add(t, f)")
    taken, _ = changed(model)
    agree(model, taken)
    shapes = results(taken, 3)[1]
    assert (shapes[whole][1], shapes[narrow][1]) == (TOKENS, 1)


def test_unknown_numbers_of_tokens_stay():
    model = network("y = Gather<axis = 1>(x2, zero)", tokens="tokens")
    for node in model.graph.node:
        if "places" in node.input:  # which are of so many tokens
            node.op_type = "Identity"
            del node.input[1:]
    taken, count = changed(model)
    assert count == 0
    assert taken == model


def test_an_old_graph_stays():
    model = network("y = Gather<axis = 1>(x2, zero)")
    model.opset_import[0].version = 9
    assert first_token.take_early(model) == 0


END = "y = Gather<axis = 1>(x2, zero)"


def test_a_mask_that_is_a_node_is_cut_behind_it():
    model = network(END)
    places = next(one for one in model.graph.initializer if one.name == "places")
    next(node for node in model.graph.node if node.output[0] == "placed1").input[1] = "places1"
    model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["places1"], value=places))
    taken, count = changed(model)
    agree(model, taken)
    assert count


def test_a_softmax_of_old_that_flattens_stays_whole():
    model = network(END)
    model.opset_import[0].version = 11
    for node in model.graph.node:
        if node.op_type == "LayerNormalization":
            node.op_type = "Relu"
            del node.attribute[:], node.input[1:]
        if node.op_type == "Softmax":
            del node.attribute[:]
    taken, _ = changed(model)
    agree(model, taken)
    shapes = results(taken, 3)[1]
    assert (shapes["shares1"][2], shapes["seen1"][2]) == (TOKENS, 1)


def test_a_norm_with_a_scale_of_each_token_is_cut():
    model = network("n2 = LayerNormalization<axis = -1>(x2, scale, bias) "
                    "y = Gather<axis = 1>(n2, zero)")
    norm = next(node for node in model.graph.node if node.output[0] == "n2")
    norm.input[1] = norm.input[2] = "each"
    each = np.random.default_rng(2).normal(size=(1, TOKENS, WIDTH)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(each, "each"))
    taken, count = changed(model)
    agree(model, taken)
    assert count


def test_nodes_out_of_order_and_functions_stay():
    model = network(END)
    model.graph.node[-1].output[0] = "f"
    model.graph.node.insert(0, onnx.helper.make_node("ReduceMean", ["x2"], ["t"], axes=[1],
                                                     keepdims=0))
    model.graph.node.append(onnx.helper.make_node("Add", ["t", "f"], ["y"]))
    assert first_token.take_early(model) == 0
    model = network(END)
    model.functions.add(name="Relu", domain="own")
    assert first_token.take_early(model) == 0


def test_its_names_are_those_of_nothing_else():
    model = network(END)
    for node in model.graph.node:
        for part in (node.input, node.output):
            for at, name in enumerate(part):
                part[at] = "zsl_first_0" if name == "q0" else name
    taken, count = changed(model)
    agree(model, taken)
    assert count
