# SPDX-License-Identifier: GPL-3.0-or-later
"""Recurrent layers: dropout, noise, order of the state, initial weights."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audeep.models.layers.codecs import Encoder, FeedbackDecoder, TeacherForcedDecoder, shifted
from audeep.models.layers.lengths import root_mean_squared_error
from audeep.models.layers.linear import TanhLinear
from audeep.models.layers.recurrent import Recurrence, RecurrentLayer, RecurrentStack, StackConfig
from tests.support.recurrent_reference import gru, lstm

KEEP = 0.7


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(1)


def recorded_dropouts(module: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """What goes into and comes out of each dropout of `module` from now on."""
    calls = []
    for child in module.modules():
        if isinstance(child, nn.Dropout):
            child.register_forward_hook(lambda _, args, output: calls.append((args[0].detach(), output.detach())))
    return calls


def assert_dropped(before: Tensor, after: Tensor, keep: float = KEEP) -> None:
    """Each value is zero or scaled up, and the right share of them is kept."""
    kept = after != 0
    torch.testing.assert_close(after, torch.where(kept, before / keep, 0.0), rtol=1e-4, atol=1e-6)
    assert kept[before != 0].float().mean().item() == pytest.approx(keep, abs=0.03)


def cell_of(layer: RecurrentLayer) -> object:
    make = {"GRU": gru, "LSTM": lstm}[layer.cell]
    return make(*(weight.detach().numpy() for weight in layer.rnn.parameters()))


def run_cell(layer: RecurrentLayer, inputs: Tensor, state: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Outputs [time, batch, units] and last state [batch, parts, units], step by step."""
    cell, parts, outputs = cell_of(layer), list(state.numpy().swapaxes(0, 1)), []
    for frame in inputs.numpy():
        parts = cell(frame, parts)
        outputs.append(parts[-1])
    return np.array(outputs), np.stack(parts, axis=1)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("stepwise", [False, True])
def test_input_and_output_of_every_layer_are_dropped_but_never_the_state(cell: str, stepwise: bool) -> None:
    config = StackConfig(input_size=24, num_layers=2, num_units=16, cell=cell, keep_prob=KEEP)
    stack = RecurrentStack(config)
    inputs = torch.rand(25, 10, 24) + 0.5
    initial = torch.rand(10, 2, config.state_shape[2], 16)
    calls = recorded_dropouts(stack)
    with torch.no_grad():
        if stepwise:
            outputs, state = [], initial
            for frame in inputs:
                output, state = stack.step(frame, state)
                outputs.append(output)
            outputs = torch.stack(outputs)
            calls = [tuple(map(torch.stack, zip(*calls[index::3], strict=True))) for index in range(3)]
        else:
            outputs, state = stack(inputs, initial)

    (first_in, seen_first), (first_out, seen_second), (second_out, given) = calls
    assert_dropped(first_in, seen_first)
    assert_dropped(first_out, seen_second, KEEP**2)  # the output of one layer and the input of the next
    assert_dropped(second_out, given)
    torch.testing.assert_close(first_in, inputs)
    torch.testing.assert_close(outputs, given)
    for index, (seen, made) in enumerate([(seen_first, first_out), (seen_second, second_out)]):
        expected, last = run_cell(stack.layers[index], seen, initial[:, index])
        np.testing.assert_allclose(made, expected, atol=1e-5)
        np.testing.assert_allclose(state[:, index], last, atol=1e-5)


def test_dropout_masks_are_drawn_afresh_at_each_step_and_for_each_direction() -> None:
    recurrence = Recurrence(StackConfig(input_size=50, num_layers=1, num_units=4, bidirectional=True, keep_prob=KEEP))
    calls = recorded_dropouts(recurrence)
    recurrence(torch.ones(30, 20, 50))
    forward, backward = (after != 0 for before, after in calls if before.shape[2] == 50)
    for one, other in [(forward[1:], forward[:-1]), (forward, backward), (forward, backward.flip(0))]:
        assert (one != other).float().mean().item() == pytest.approx(2 * KEEP * (1 - KEEP), abs=0.03)


def test_nothing_is_dropped_in_evaluation() -> None:
    stack = RecurrentStack(StackConfig(input_size=5, num_layers=2, num_units=4, keep_prob=0.2)).eval()
    inputs, initial = torch.rand(6, 3, 5), torch.rand(3, 2, 1, 4)
    with torch.no_grad():
        outputs, _ = stack(inputs, initial)
    first, _ = run_cell(stack.layers[0], inputs, initial[:, 0])
    expected, _ = run_cell(stack.layers[1], torch.from_numpy(first), initial[:, 1])
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_stepping_through_a_sequence_equals_running_over_it(cell: str) -> None:
    config = StackConfig(input_size=5, num_layers=3, num_units=4, cell=cell)
    stack = RecurrentStack(config).double()
    inputs = torch.rand(6, 2, 5, dtype=torch.float64)
    state = torch.rand(2, *config.state_shape[::2], 4, dtype=torch.float64)
    outputs, last = stack(inputs, state)
    for frame, expected in zip(inputs, outputs, strict=True):
        output, state = stack.step(frame, state)
        torch.testing.assert_close(output, expected)
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("cell, parts", [("GRU", 1), ("LSTM", 2)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_state_vector_has_layers_times_units_times_parts_times_directions(
    cell: str, parts: int, bidirectional: bool
) -> None:
    config = StackConfig(input_size=5, num_layers=3, num_units=7, bidirectional=bidirectional, cell=cell)
    assert config.state_size == 3 * 7 * parts * (2 if bidirectional else 1)
    assert Encoder(config)(torch.rand(4, 2, 5)).shape == (2, config.state_size)


@pytest.mark.parametrize("cell, parts", [("GRU", 1), ("LSTM", 2)])
def test_state_vector_goes_layer_by_layer_forward_before_backward(cell: str, parts: int) -> None:
    units = 3
    encoder = Encoder(StackConfig(input_size=5, num_layers=2, num_units=units, bidirectional=True, cell=cell)).double()
    inputs = torch.rand(4, 1, 5, dtype=torch.float64)
    before = encoder(inputs).detach()
    stacks = (encoder.recurrence.forward_stack, encoder.recurrence.backward_stack)
    for direction, stack in enumerate(stacks):
        for layer in (0, 1):
            bias = stack.layers[layer].rnn.bias_ih_l0
            with torch.no_grad():
                bias += 0.3
                changed = (encoder(inputs) != before).reshape(2, 2, parts * units)  # [layer, direction, ...]
                bias -= 0.3
            expected = torch.zeros(2, 2, dtype=torch.bool)
            expected[layer:, direction] = True  # the layer itself and those above it, in its own direction
            assert torch.equal(changed.all(2), expected)
            assert torch.equal(changed.any(2), expected)


def test_lstm_state_is_carry_before_output() -> None:
    encoder = Encoder(StackConfig(input_size=2, num_layers=2, num_units=3, cell="LSTM"))
    for layer in encoder.recurrence.forward_stack.layers:
        with torch.no_grad():
            layer.rnn.bias_ih_l0[6:9] = 1  # candidates that are not zero
            layer.rnn.bias_ih_l0[9:] = -50  # output gates shut
    carry, output = encoder(torch.rand(4, 1, 2) + 1).reshape(2, 2, 3).unbind(1)
    assert (carry.abs() > 1e-3).all()
    assert (output.abs() < 1e-9).all()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_encoder_noise_zeroes_whole_steps_of_single_instances(bidirectional: bool) -> None:
    encoder = Encoder(StackConfig(6, 1, 2, bidirectional), noise=0.3)
    seen = []
    encoder.recurrence.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    inputs = torch.rand(60, 50, 6) + 0.1
    encoder(inputs)
    zero = (seen[0] == 0).all(2)
    assert torch.equal(seen[0][~zero], inputs[~zero])
    assert zero.float().mean().item() == pytest.approx(0.3, abs=0.03)
    for one, other in [(zero[1:], zero[:-1]), (zero[:, 1:], zero[:, :-1])]:
        assert (one != other).float().mean().item() == pytest.approx(2 * 0.3 * 0.7, abs=0.03)


def test_encoder_noise_is_absent_in_evaluation() -> None:
    noisy, inputs = Encoder(StackConfig(6, 1, 2), noise=0.9).eval(), torch.rand(10, 4, 6)
    outputs = noisy(inputs)
    noisy.noise = 0.0
    assert torch.equal(outputs, noisy(inputs))


def test_decoders_start_from_their_part_of_the_state_vector() -> None:
    config = StackConfig(input_size=5, num_layers=2, num_units=3, bidirectional=True, cell="LSTM")
    decoder = TeacherForcedDecoder(config)
    targets, state = torch.rand(4, 1, 5), torch.rand(1, config.state_size)
    before = decoder(targets, state)
    for index in range(config.state_size):
        changed_state = state.clone()
        changed_state[0, index] += 1
        changed = (decoder(targets, changed_state) != before)[:, 0].reshape(4, 2, 3).any(2).any(0)
        direction = index // 6 % 2  # [layer, direction, (c, h), units]
        assert changed.tolist() == [direction == 0, direction == 1]


def test_decoder_sees_the_target_one_step_late() -> None:
    decoder = FeedbackDecoder(StackConfig(input_size=5, num_layers=1, num_units=3))
    targets, state = torch.rand(6, 1, 5), torch.rand(1, 3)
    before = decoder(targets, state)
    targets[2] += 1
    changed = (decoder(targets, state) != before).any(2)[:, 0]
    assert changed.tolist() == [False, False, False, True, True, True]


def test_decoder_fed_its_own_output_ignores_the_target() -> None:
    decoder = FeedbackDecoder(StackConfig(input_size=5, num_layers=1, num_units=3), feed_previous_prob=1.0)
    state = torch.rand(2, 3)
    assert torch.equal(decoder(torch.rand(6, 2, 5), state), decoder(torch.rand(6, 2, 5), state))


def test_shifted_puts_zeros_first_and_drops_the_last() -> None:
    targets = torch.arange(1.0, 7.0).reshape(3, 1, 2)
    assert shifted(targets)[:, 0].tolist() == [[0, 0], [1, 2], [3, 4]]


def test_loss_is_the_root_of_the_mean_over_the_whole_batch() -> None:
    outputs, targets = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert root_mean_squared_error(outputs, targets).item() == pytest.approx(math.sqrt((4 + 9 + 16) / 4))


def assert_uniform(weights: Tensor, bound: float) -> None:
    assert weights.abs().max() <= bound
    assert weights.abs().max() > 0.98 * bound
    assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert weights.mean().item() == pytest.approx(0, abs=0.06 * bound)


def test_gru_weights_start_glorot_uniform_over_gates_and_candidate_apart() -> None:
    inputs, units = 40, 30
    rnn = RecurrentLayer("GRU", inputs, units).rnn
    joint = torch.cat([rnn.weight_ih_l0, rnn.weight_hh_l0], dim=1).detach()  # [gates, input + state]
    assert_uniform(joint[: 2 * units], math.sqrt(6 / (inputs + units + 2 * units)))
    assert_uniform(joint[2 * units :], math.sqrt(6 / (inputs + units + units)))
    assert_uniform(rnn.weight_hh_l0[: 2 * units].detach(), math.sqrt(6 / (inputs + units + 2 * units)))


def test_lstm_weights_start_glorot_uniform_over_all_gates_together() -> None:
    inputs, units = 40, 30
    rnn = RecurrentLayer("LSTM", inputs, units).rnn
    bound = math.sqrt(6 / (inputs + units + 4 * units))
    for weights in (rnn.weight_ih_l0, rnn.weight_hh_l0):
        for gate in weights.detach().split(units):
            assert_uniform(gate, bound)


def test_biases_start_at_one_for_gates_that_keep_the_state() -> None:
    def effective(cell: str) -> list[float]:
        rnn = RecurrentLayer(cell, 5, 2).rnn
        assert not rnn.bias_hh_l0.any()
        return (rnn.bias_ih_l0 + rnn.bias_hh_l0).tolist()

    assert effective("GRU") == [1, 1, 1, 1, 0, 0]  # reset, update, candidate
    assert effective("LSTM") == [0, 0, 1, 1, 0, 0, 0, 0]  # input, forget, candidate, output


def test_linear_layers_start_glorot_uniform_with_uniform_biases() -> None:
    linear = TanhLinear(60, 500).linear
    assert_uniform(linear.weight.detach(), math.sqrt(6 / 560))
    assert_uniform(linear.bias.detach(), math.sqrt(6 / (2 * 500)))
