# SPDX-License-Identifier: GPL-3.0-or-later
"""The recurrent core on the CPU against PyTorch's own layers: compiled, not compiled, and in double precision."""

from collections.abc import Callable, Iterator
from itertools import chain, product

import pytest
import torch
from torch import Tensor, nn

from audeep.models.devices import repeatable
from audeep.models.layers import autograd, native
from audeep.models.layers.autograd import BLOCK, LayerInput, run_layers
from audeep.models.layers.codecs import FeedbackDecoder
from audeep.models.layers.feedback import FeedbackInput, run_feedback
from audeep.models.layers.native import uses_native
from audeep.models.layers.recurrent import RecurrentLayer, StackConfig
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig

PARTS = {"GRU": 1, "LSTM": 2}
UNITS = 32
KINDS = [*product(["GRU", "LSTM"], ["compiled", "plain", "double"]), ("GRU", "8 lanes"), ("GRU", "16 lanes")]


@pytest.fixture(params=KINDS, ids="-".join)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, torch.dtype, float]]:
    """A cell, the precision to compute in, and how far results may be apart."""
    cell, how = request.param
    torch.manual_seed(3)
    if how == "compiled" and native.kernels is None:
        pytest.skip("audeep was installed without a compiler")
    if how == "plain":
        monkeypatch.setattr(native, "kernels", None)
    elif how == "compiled":
        monkeypatch.setattr(native.kernels, "LANES", 0)
    elif how.endswith("lanes"):
        use_lanes(int(how.split()[0]), monkeypatch)
    yield (cell, torch.float64, 1e-12) if how == "double" else (cell, torch.float32, 2e-5)


def use_lanes(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute products and gates of GRUs together, in vectors of so many numbers."""
    if native.kernels is None or native.kernels.LANES < number:
        pytest.skip("audeep was installed without a compiler, or this processor has no such vectors")
    monkeypatch.setattr(native.kernels, "LANES", number)
    assert native.lanes_of(torch.zeros(1, UNITS), []) == number


def make(cell: str, dtype: torch.dtype, inputs: int = 5, units: int = UNITS) -> tuple[RecurrentLayer, list[Tensor]]:
    """A layer with random weights and biases, and its weights."""
    layer = RecurrentLayer(cell, inputs, units).to(dtype)
    for weight in layer.weights:
        nn.init.normal_(weight, std=0.5)
    return layer, layer.weights


def run_layer(cell: str, inputs: Tensor, state: Tensor, weights: list[Tensor], keep_outputs: bool = True) -> tuple:
    (result,) = run_layers(cell, [LayerInput(inputs, state, list(weights))], keep_outputs)
    return result


def gradients(results: tuple[Tensor, ...], of: list[Tensor]) -> list[Tensor]:
    """Gradients of a random weighting of `results`, the same at each call for the same shapes."""
    generator = torch.Generator().manual_seed(5)
    loss = sum((result * torch.randn(result.shape, generator=generator).to(result)).sum() for result in results)
    return list(torch.autograd.grad(loss, of))


def plain(layer: RecurrentLayer, inputs: Tensor, state: Tensor, monkeypatch: pytest.MonkeyPatch) -> tuple:
    """Outputs and last state by PyTorch's own layer."""
    with monkeypatch.context() as patch:
        patch.setenv("AUDEEP_PLAIN_RNN", "1")
        return layer(inputs, state)


def assert_all_close(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (9, 3), (40, 17)])
def test_a_layer_equals_that_of_pytorch_with_all_its_gradients(kind, monkeypatch, steps, batch):
    cell, dtype, tolerance = kind
    layer, weights = make(cell, dtype)
    inputs = torch.randn(steps, batch, 5, dtype=dtype, requires_grad=True)
    state = torch.randn(batch, PARTS[cell], UNITS, dtype=dtype, requires_grad=True)
    found = run_layer(cell, inputs, state, weights)
    expected = plain(layer, inputs, state, monkeypatch)
    assert_all_close(found, expected, tolerance)
    of = [inputs, state, *weights]
    assert_all_close(gradients(found, of), gradients(expected, of), 10 * tolerance)


def assert_gradients_are_central_differences(run: Callable[..., tuple[Tensor, ...]], arguments: list[Tensor]) -> None:
    """Of a random weighting of the results of `run`, for each element of each argument."""
    factors = [torch.randn_like(result) for result in run(*arguments)]

    def weighted() -> Tensor:
        return sum((result * factor).sum() for result, factor in zip(run(*arguments), factors, strict=True))

    for argument, gradient in zip(arguments, torch.autograd.grad(weighted(), arguments), strict=True):
        flat = argument.detach().view(-1)
        with torch.no_grad():
            for index, expected in enumerate(gradient.flatten()):
                value = flat[index].item()
                flat[index] = value + 1e-6
                above = weighted()
                flat[index] = value - 1e-6
                slope = (above - weighted()) / 2e-6
                flat[index] = value
                torch.testing.assert_close(slope, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("which", [0, 1])
def test_gradients_of_outputs_or_of_the_last_state_alone(kind, monkeypatch, which):
    cell, dtype, tolerance = kind
    layer, weights = make(cell, dtype)
    inputs, state = torch.randn(8, 2, 5, dtype=dtype), torch.randn(2, PARTS[cell], UNITS, dtype=dtype)
    found = gradients(run_layer(cell, inputs, state, weights)[which : which + 1], weights)
    expected = gradients(plain(layer, inputs, state, monkeypatch)[which : which + 1], weights)
    assert_all_close(found, expected, 10 * tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_gradients_are_those_of_central_differences(cell):
    torch.manual_seed(1)
    _, weights = make(cell, torch.float64, 3, 4)
    inputs = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    state = torch.randn(2, PARTS[cell], 4, dtype=torch.float64, requires_grad=True)
    assert_gradients_are_central_differences(
        lambda inputs, state, *weights: run_layer(cell, inputs, state, weights), [inputs, state, *weights]
    )


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_through_autoregressive_decoding_are_those_of_central_differences(cell, layers):
    torch.manual_seed(1)
    double = {"dtype": torch.float64}
    sizes = [3] + [4] * (layers - 1)
    weights = [weight for size in sizes for weight in make(cell, torch.float64, size, 4)[1]]
    expected, state = torch.randn(5, 2, 3, **double), torch.randn(2, layers, PARTS[cell], 4, **double)
    linear = [torch.randn(3, 4, **double), torch.randn(3, **double)]
    masks = [torch.rand(5, 2, size, **double) for size in (3, *[4] * layers)]
    is_own = torch.rand(5, 2, 1) < 0.5
    arguments = [tensor.requires_grad_() for tensor in (expected, state, *linear, *weights)]

    def run(expected, state, weight, bias, *weights):
        return tuple(run_feedback(cell, [FeedbackInput(expected, is_own, state, masks, [weight, bias], list(weights))]))

    assert_gradients_are_central_differences(run, arguments)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("probability", [0.4, 1.0])
def test_an_autoregressive_decoder_equals_one_that_goes_step_by_step(kind, monkeypatch, layers, probability):
    cell, dtype, tolerance = kind
    decoder = FeedbackDecoder(StackConfig(5, layers, UNITS, False, cell), probability).to(dtype)
    targets = torch.randn(11, 4, 5, dtype=dtype, requires_grad=True)
    state = torch.randn(4, layers * PARTS[cell] * UNITS, dtype=dtype, requires_grad=True)
    torch.manual_seed(8)
    found = decoder(targets, state)
    torch.manual_seed(8)
    with monkeypatch.context() as patch:
        patch.setenv("AUDEEP_PLAIN_RNN", "1")
        expected = decoder(targets, state)
    assert_all_close([found], [expected], tolerance)
    of = [targets, state, *decoder.parameters()]
    assert_all_close(gradients((found,), of), gradients((expected,), of), 20 * tolerance)


@pytest.mark.parametrize("keeps_gradients", [True, False])
def test_layers_in_parallel_give_what_each_gives_alone(kind, keeps_gradients):
    cell, dtype, tolerance = kind
    threads = torch.get_num_threads()
    layers = []
    for units in (UNITS, UNITS):
        inputs = torch.randn(9, 3, 5, dtype=dtype, requires_grad=True)
        state = torch.randn(3, PARTS[cell], units, dtype=dtype, requires_grad=True)
        layers.append(LayerInput(inputs, state, make(cell, dtype, 5, units)[1]))
    with torch.set_grad_enabled(keeps_gradients):
        together = run_layers(cell, layers)
        alone = [run_layers(cell, [layer])[0] for layer in layers]
    for one, other in zip(together, alone, strict=True):
        assert_all_close(one, other, tolerance)
    if keeps_gradients:
        of = [tensor for layer in layers for tensor in (layer.inputs, layer.state, *layer.weights)]
        found, expected = (gradients(tuple(chain(*results)), of) for results in (together, alone))
        assert_all_close(found, expected, 10 * tolerance)
    assert torch.get_num_threads() == threads


def test_a_failure_in_one_of_two_layers_is_raised_and_leaves_the_threads_as_they_were():
    threads = torch.get_num_threads()
    _, weights = make("GRU", torch.float32)
    good = LayerInput(torch.randn(3, 2, 5), torch.zeros(2, 1, UNITS), weights)
    bad = LayerInput(torch.randn(3, 2, 4), torch.zeros(2, 1, UNITS), weights)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        run_layers("GRU", [good, bad])
    assert torch.get_num_threads() == threads


def test_inputs_may_have_another_type_but_no_other_size(kind):
    cell, dtype, _ = kind
    _, weights = make(cell, dtype)
    state, inputs = torch.zeros(2, PARTS[cell], UNITS, dtype=dtype), torch.randn(3, 2, 5, dtype=torch.float16)
    for has_gradients in (False, True):
        with torch.set_grad_enabled(has_gradients):
            found, expected = (run_layer(cell, each, state, weights) for each in (inputs, inputs.to(dtype)))
            assert_all_close(found, expected, 1e-6)
            if has_gradients:
                assert_all_close(gradients(found, weights), gradients(expected, weights), 1e-6)
            with pytest.raises(RuntimeError, match="cannot be multiplied"):
                run_layer(cell, inputs[:, :, :4].to(dtype), state, weights)


@pytest.mark.parametrize("of_weights", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("has_gradients", [False, True])
def test_weights_of_another_type_than_the_state_are_taken_as_they_are(of_weights, has_gradients):
    torch.manual_seed(4)
    _, weights = make("GRU", torch.float32)
    inputs, state = torch.randn(6, 3, 5), torch.randn(3, 1, UNITS)
    with torch.set_grad_enabled(has_gradients):
        expected = run_layer("GRU", inputs, state, weights)
        found = run_layer("GRU", inputs, state, [weight.detach().to(of_weights).requires_grad_() for weight in weights])
    assert_all_close([each.float() for each in found], expected, 0.1 if of_weights == torch.bfloat16 else 1e-4)


@pytest.mark.parametrize("has_gradients", [False, True])
def test_shapes_that_do_not_belong_together_are_refused(has_gradients):
    _, (w_ih, w_hh, b_ih, b_hh) = make("GRU", torch.float32)
    inputs, state = torch.randn(6, 3, 5), torch.zeros(3, 1, UNITS)
    good = inputs, state, w_ih, w_hh, b_ih, b_hh
    bad = inputs[:, :2], torch.zeros(3, 1, 2 * UNITS), w_ih[:-1], w_hh[:, :-1], b_ih[:-1], b_hh[:-1]
    for index, wrong in enumerate(bad):
        inputs, state, *weights = (*good[:index], wrong, *good[index + 1 :])
        with torch.set_grad_enabled(has_gradients), pytest.raises(RuntimeError):
            run_layer("GRU", inputs, state, weights)


@pytest.mark.parametrize("units", [16, 48])
def test_units_that_do_not_fill_two_of_the_widest_vectors_are_done_by_narrower_ones(monkeypatch, units):
    use_lanes(16, monkeypatch)
    assert native.lanes_of(torch.zeros(1, units), []) == 8


def test_a_sequence_without_steps_keeps_its_state(kind):
    cell, dtype, _ = kind
    _, weights = make(cell, dtype)
    inputs, state = torch.randn(4, 2, 5, dtype=dtype), torch.ones(2, PARTS[cell], UNITS, dtype=dtype)
    for has_gradients in (False, True):
        with torch.set_grad_enabled(has_gradients):
            ((_, last),) = run_layers(cell, [LayerInput(inputs, state, weights)], lengths=torch.tensor([0, 3]))
        assert torch.equal(last[0], state[0])


def test_a_bias_may_have_gaps_in_memory(kind):
    cell, dtype, tolerance = kind
    _, weights = make(cell, dtype)
    inputs, state = torch.randn(4, 2, 5, dtype=dtype), torch.zeros(2, PARTS[cell], UNITS, dtype=dtype)
    gaps = [torch.stack([weight, weight], dim=-1).detach()[..., 0] for weight in weights]
    assert_all_close(run_layer(cell, inputs, state, gaps), run_layer(cell, inputs, state, weights), tolerance)


@pytest.mark.parametrize("batch", [0, 2, 3])
def test_long_sequences_without_gradients_are_run_in_blocks_with_the_same_results(kind, monkeypatch, batch):
    cell, dtype, tolerance = kind
    monkeypatch.setattr(autograd, "ROWS", 80)
    _, weights = make(cell, dtype)
    inputs = torch.randn(2 * BLOCK + 5, batch, 5, dtype=dtype)
    state = torch.randn(batch, PARTS[cell], UNITS, dtype=dtype)
    with_gradients = run_layer(cell, inputs, state, weights)
    with torch.no_grad():
        without = run_layer(cell, inputs, state, weights)
        nothing, last = run_layer(cell, inputs, state, weights, keep_outputs=False)
    assert_all_close(without, with_gradients, tolerance)
    assert nothing.numel() == 0 and torch.equal(last, without[1])


@pytest.mark.parametrize("has_lengths", [False, True])
def test_parts_of_a_large_batch_in_parallel_give_what_the_whole_gives(kind, monkeypatch, has_lengths):
    cell, dtype, tolerance = kind
    monkeypatch.setattr(autograd, "SMALLEST_PART", 4)
    layer, weights = make(cell, dtype)
    inputs, state = torch.randn(9, 11, 5, dtype=dtype), torch.randn(11, PARTS[cell], UNITS, dtype=dtype)
    lengths = torch.randint(1, 10, (11,)) if has_lengths else None
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            with torch.no_grad():
                found += run_layers(cell, [LayerInput(inputs, state, weights)], lengths=lengths)
    finally:
        torch.set_num_threads(threads)
    for results in found[1:]:
        for result, expected in zip(results, found[0], strict=True):
            torch.testing.assert_close(result, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("has_lengths", [False, True])
@pytest.mark.parametrize("lanes", [8, 16])
def test_a_batch_that_is_shared_by_threads_gives_what_one_thread_gives(monkeypatch, lanes, has_lengths):
    use_lanes(lanes, monkeypatch)
    _, weights = make("GRU", torch.float32, 40)
    inputs, state = torch.randn(50, 7, 40).transpose(0, 1), torch.randn(50, 1, UNITS)  # in another order in memory
    inputs, state = inputs.requires_grad_(), state.requires_grad_()
    lengths = torch.randint(1, 8, (50,)) if has_lengths else None
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            (results,) = run_layers("GRU", [LayerInput(inputs, state, weights)], lengths=lengths)
            found.append((results, gradients(results, [inputs, state, *weights])))
    finally:
        torch.set_num_threads(threads)
    for results, of_results in found[1:]:
        assert all(map(torch.equal, results, found[0][0]))
        assert_all_close(of_results, found[0][1], 2e-5)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """More than a few sequences are a large batch, for each of three threads."""
    threads = torch.get_num_threads()
    monkeypatch.setattr(autograd, "ROWS", 2)
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


def several_layers(
    cell: str, dtype: torch.dtype, has_gradients: bool = True, width: int = 5
) -> tuple[list[LayerInput], list[Tensor]]:
    """Two layers with inputs of 11 sequences of 9 steps; and the tensors that have gradients."""
    layers = []
    for _ in range(2):
        inputs = torch.randn(9, 11, width, dtype=dtype, requires_grad=has_gradients)
        state = torch.randn(11, PARTS[cell], UNITS, dtype=dtype, requires_grad=has_gradients)
        layers.append(LayerInput(inputs, state, make(cell, dtype, width)[1]))
    tensors = [tensor for layer in layers for tensor in (layer.inputs, layer.state, *layer.weights)]
    return layers, [tensor for tensor in tensors if tensor.requires_grad]


@pytest.mark.parametrize("width", [5, 35])
@pytest.mark.parametrize("has_lengths", [False, True])
@pytest.mark.parametrize("has_gradients", [False, True])
@pytest.mark.parametrize(
    "which", [slice(None), slice(None, None, 2), slice(1, None, 2)], ids=["all", "outputs", "last"]
)
def test_parts_of_a_large_batch_have_the_gradients_of_the_whole(
    kind, monkeypatch, request, has_lengths, has_gradients, which, width
):
    cell, dtype, tolerance = kind
    layers, of = several_layers(cell, dtype, has_gradients, width)
    lengths = torch.randint(1, 10, (11,)) if has_lengths else None
    whole = list(chain(*run_layers(cell, layers, lengths=lengths)))
    expected = gradients(tuple(whole[which]), of)
    request.getfixturevalue("in_parts")
    found = list(chain(*run_layers(cell, layers, lengths=lengths)))
    assert_all_close(found, whole, tolerance)
    assert_all_close(gradients(tuple(found[which]), of), expected, 10 * tolerance)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_parts_of_a_large_batch_within_autocast_stay_close(cell, request):
    layers, of = several_layers(cell, torch.float32)
    expected = gradients(tuple(chain(*run_layers(cell, layers))), of)
    request.getfixturevalue("in_parts")
    with torch.autocast("cpu", torch.bfloat16):
        found = tuple(chain(*run_layers(cell, layers)))
        assert {each.dtype for each in found} == {torch.float32}
    assert_all_close(
        [each / each.abs().max() for each in gradients(found, of)], [each / each.abs().max() for each in expected], 0.05
    )


def test_inputs_may_have_the_type_of_autocast():
    layers, _ = several_layers("GRU", torch.float32, has_gradients=False)
    with torch.autocast("cpu", torch.bfloat16):
        (outputs, _), _ = run_layers(
            "GRU", [LayerInput(each.inputs.bfloat16(), each.state, each.weights) for each in layers]
        )
    assert outputs.dtype == torch.float32


def test_gradients_cannot_be_computed_twice():
    layer, weights = make("GRU", torch.float32)
    outputs, _ = run_layer("GRU", torch.randn(3, 2, 5), torch.zeros(2, 1, UNITS), weights)
    outputs.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="gradients of a recurrent layer can be computed once"):
        outputs.sum().backward()


def test_numbers_that_are_not_finite_come_through(kind):
    cell, dtype, _ = kind
    _, weights = make(cell, dtype)
    inputs = torch.randn(4, 3, 5, dtype=dtype)
    inputs[1, 0, 2], inputs[1, 1, 2] = float("nan"), float("inf")
    outputs, last = run_layer(cell, inputs, torch.zeros(3, PARTS[cell], UNITS, dtype=dtype), weights)
    assert outputs[1:, 0].isnan().all() and not outputs[:, 2].isnan().any()
    assert last[0].isnan().any()


def test_gates_saturate_without_overflow(kind):
    cell, dtype, tolerance = kind
    layer, weights = make(cell, dtype)
    inputs = 1e4 * torch.randn(6, 3, 5, dtype=dtype)
    outputs, _ = run_layer(cell, inputs, torch.zeros(3, PARTS[cell], UNITS, dtype=dtype), weights)
    loss_gradients = gradients((outputs,), weights)
    assert outputs.isfinite().all() and outputs.abs().max() <= 1 + 1e-6
    assert all(gradient.isfinite().all() for gradient in loss_gradients)


def test_the_environment_switches_the_core_off(monkeypatch):
    assert uses_native(torch.zeros(1))
    monkeypatch.setenv("AUDEEP_PLAIN_RNN", "1")
    assert not uses_native(torch.zeros(1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("probability", [0.0, 0.5])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_large_batches_on_cuda_give_what_they_give_on_the_cpu(monkeypatch, cell, precision, probability):
    monkeypatch.setattr(native, "LARGE_BATCH", 8)
    torch.manual_seed(3)
    decoder = FeedbackDecoder(StackConfig(5, 2, 6, False, cell), probability)
    targets, state = torch.randn(7, 9, 5), torch.randn(9, 2 * PARTS[cell] * 6)
    draw = torch.rand

    def draw_as_on_the_cpu(*size: int, device: torch.device, generator: object) -> Tensor:
        return draw(*size, generator=torch.Generator().manual_seed(4)).to(device)

    monkeypatch.setattr(torch, "rand", draw_as_on_the_cpu)
    results = []
    for device in ("cpu", "cuda"):
        there = decoder.to(device)
        assert uses_native(targets.to(device))
        with repeatable(exact=True), torch.autocast(device, precision, enabled=precision != torch.float32):
            outputs = there(targets.to(device), state.to(device))
        found = gradients((outputs,), list(there.parameters()))
        results.append([each.detach().float().cpu() for each in (outputs, *found)])
    assert_all_close(*results, 2e-5 if precision == torch.float32 else 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_network_trains_alike_with_and_without_the_core(monkeypatch, cell, bidirectional):
    def losses() -> list[float]:
        torch.manual_seed(2)
        config = TimeAutoencoderConfig(
            12,
            6,
            2,
            8,
            bidirectional_encoder=bidirectional,
            bidirectional_decoder=bidirectional,
            cell=cell,
            keep_prob=1.0,
        )
        model = TimeAutoencoder(config)
        spectrograms = torch.rand(10, 12, 6) * 2 - 1
        optimiser = torch.optim.Adam(model.parameters(), 0.01)
        found = []
        for _ in range(20):
            optimiser.zero_grad()
            loss = model.loss(spectrograms)
            loss.backward()
            optimiser.step()
            found.append(loss.item())
        return found

    with_core = losses()
    monkeypatch.setenv("AUDEEP_PLAIN_RNN", "1")
    assert with_core == pytest.approx(losses(), abs=1e-4)
    assert with_core[-1] < 0.9 * with_core[0]


# reduced precision


@pytest.mark.parametrize("is_autoregressive", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.03), (torch.float16, 0.004)])
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_within_autocast_products_are_rounded_and_results_stay_close(cell, dtype, tolerance, is_autoregressive):
    def results(is_reduced: bool) -> tuple[Tensor, list[Tensor]]:
        torch.manual_seed(2)
        config = TimeAutoencoderConfig(
            12, 6, 2, 8, bidirectional_encoder=True, keep_prob=1, cell=cell, feed_previous_prob=float(is_autoregressive)
        )
        model = TimeAutoencoder(config)
        spectrograms = torch.rand(5, 12, 6) * 2 - 1
        with torch.autocast("cpu", dtype, enabled=is_reduced):
            loss = model.loss(spectrograms)
        return loss, list(torch.autograd.grad(loss, list(model.parameters())))

    (loss, found), (expected_loss, expected) = results(True), results(False)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(expected_loss.item(), rel=tolerance)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.float32
        assert not torch.equal(one, other) or not other.any()
        assert (one - other).norm() <= 5 * tolerance * other.norm() + 1e-6
