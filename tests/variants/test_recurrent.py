"""Weight-dropped and zoneout layers, judged by torch's own layers and by loops that are easy to read."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from droplab import functional as F
from droplab import keyed, nn
from droplab.errors import RankError, UserError

KEY = F.Key(seed=3, layer="rnn")
DOUBLE = {"dtype": torch.float64}
CLOSE = {"rtol": 1e-11, "atol": 1e-12}
PAIRS = [(nn.WeightDropLSTM, torch.nn.LSTM), (nn.WeightDropGRU, torch.nn.GRU)]
ZONED = [(nn.ZoneoutLSTM, torch.nn.LSTM), (nn.ZoneoutGRU, torch.nn.GRU)]
SHAPES = [
    {},
    {"batch_first": True, "num_layers": 2},
    {"bidirectional": True, "bias": False},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]


def draw(layer, *inputs, **key):
    with keyed(torch.nn.ModuleDict({"rnn": layer}), **{"seed": 3, **key}):
        return layer(*inputs)


def key_of(number, samples=False):
    key = KEY._replace(layer=(KEY.layer_id + 0x9E3779B9 * number) & 0xFFFFFFFF)
    return key if samples else key._replace(batch_dim=None)


def flat(result):
    """Output and states in a list."""
    output, states = result
    data = output.data if isinstance(output, PackedSequence) else output
    return [data, *(states if isinstance(states, tuple) else [states])]


def masked_twin(layer, kind, p, **options):
    """Torch's layer with the weights that ours should have used."""
    twin = kind(layer.input_size, layer.hidden_size, **options, **DOUBLE)
    twin.load_state_dict(layer.state_dict())
    number = 0
    with torch.no_grad():
        for name, weight in twin.named_parameters():
            if name.startswith("weight_hh"):
                weight.mul_(F.dropout(torch.ones_like(weight), p, True, key=key_of(number)))
                number += 1
    assert number == layer.num_layers * (2 if layer.bidirectional else 1)
    return twin


def sequences():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(length, 3, generator=generator, **DOUBLE) for length in (2, 5, 1, 4)]


class TestWeightDrop:
    @pytest.mark.parametrize(
        ("layer", "kind", "options"),
        [(*pair, options) for pair in PAIRS for options in SHAPES] + [(*PAIRS[0], {"proj_size": 2})],
    )
    def test_it_is_torchs_layer_with_masked_weights(self, layer, kind, options):
        ours = layer(3, 4, p=0.4, **options, **DOUBLE)
        twin = masked_twin(ours, kind, 0.4, **options)
        x = torch.randn(6, 5, 3, **DOUBLE)
        torch.testing.assert_close(flat(draw(ours, x)), flat(twin(x)), **CLOSE)
        assert not torch.allclose(draw(ours, x)[0], ours.eval()(x)[0])

    @pytest.mark.parametrize(("layer", "kind"), PAIRS)
    def test_gradients_are_those_of_masked_weights(self, layer, kind):
        options = {"num_layers": 2, "bidirectional": True}
        ours = layer(3, 4, p=0.4, **options, **DOUBLE)
        twin = masked_twin(ours, kind, 0.4, **options)
        x = torch.randn(6, 5, 3, **DOUBLE)
        draw(ours, x)[0].square().sum().backward()
        twin(x)[0].square().sum().backward()
        number = 0
        for (name, mine), theirs in zip(ours.named_parameters(), twin.parameters(), strict=True):
            wanted = theirs.grad
            if name.startswith("weight_hh"):
                wanted = wanted * F.dropout(torch.ones_like(wanted), 0.4, True, key=key_of(number))
                number += 1
            torch.testing.assert_close(mine.grad, wanted, **CLOSE)

    @pytest.mark.parametrize(("layer", "kind"), PAIRS)
    def test_packed(self, layer, kind):
        ours = layer(3, 4, p=0.4, bidirectional=True, **DOUBLE)
        twin = masked_twin(ours, kind, 0.4, bidirectional=True)
        packed = pack_sequence(sequences(), enforce_sorted=False)
        state = torch.randn(2, 4, 4, **DOUBLE)
        hx = (state, state + 1) if kind is torch.nn.LSTM else state
        for inputs in ((packed,), (packed, hx)):
            result = draw(ours, *inputs)
            torch.testing.assert_close(flat(result), flat(twin(*inputs)), **CLOSE)
            assert torch.equal(result[0].batch_sizes, packed.batch_sizes)
            assert torch.equal(result[0].unsorted_indices, packed.unsorted_indices)


class TestZoneout:
    @pytest.mark.parametrize(("layer", "kind"), ZONED)
    @pytest.mark.parametrize("options", SHAPES)
    def test_without_zoneout_it_is_torchs_layer(self, layer, kind, options):
        ours, twin = layer(3, 4, p=0.0, **options, **DOUBLE), kind(3, 4, **options, **DOUBLE)
        ours.load_state_dict(twin.state_dict())
        x, state = torch.randn(6, 5, 3, **DOUBLE), None
        for training in (True, False):
            ours.train(training)
            found, wanted = ours(x, state), twin(x, state)
            torch.testing.assert_close(flat(found), flat(wanted), **CLOSE)
            state = wanted[1]

    @pytest.mark.parametrize(("layer", "kind"), ZONED)
    def test_without_zoneout_packed(self, layer, kind):
        options = {"num_layers": 2, "bidirectional": True}
        ours, twin = layer(3, 4, p=0.0, **options, **DOUBLE), kind(3, 4, **options, **DOUBLE)
        ours.load_state_dict(twin.state_dict())
        state = torch.randn(4, 4, 4, **DOUBLE)
        hx = (state, state + 1) if kind is torch.nn.LSTM else state
        ordered = pack_padded_sequence(torch.randn(5, 4, 3, **DOUBLE), torch.tensor([5, 4, 2, 1]))
        for packed in (pack_sequence(sequences(), enforce_sorted=False), ordered):
            for inputs in ((packed,), (packed, hx)):
                torch.testing.assert_close(flat(ours(*inputs)), flat(twin(*inputs)), **CLOSE)

    def test_lstm_in_a_loop_with_torchs_cell(self):
        """Masks of each sample, step and unit; hidden states see the cell before it is zoned out."""
        ours = nn.ZoneoutLSTM(3, 4, p=0.3, p_cell=0.6, batch_first=True, **DOUBLE)
        cell = torch.nn.LSTMCell(3, 4, **DOUBLE)
        cell.load_state_dict({name.removesuffix("_l0"): value for name, value in ours.state_dict().items()})
        x = torch.randn(6, 5, 3, **DOUBLE)
        ones = torch.ones(6, 5, 4, **DOUBLE)
        stay = [F.dropout(ones, p, True, key=key_of(n, samples=True)) == 0 for n, p in ((0, 0.3), (1, 0.6))]
        for training in (True, False):
            h = c = torch.zeros(6, 4, **DOUBLE)
            wanted = []
            for t in range(5):
                new_h, new_c = cell(x[:, t], (h, c))
                if training:
                    h, c = torch.where(stay[0][:, t], h, new_h), torch.where(stay[1][:, t], c, new_c)
                else:
                    h, c = 0.3 * h + 0.7 * new_h, 0.6 * c + 0.4 * new_c
                wanted.append(h)
            ours.train(training)
            output, (last_h, last_c) = draw(ours, x)
            torch.testing.assert_close(output, torch.stack(wanted, 1), **CLOSE)
            torch.testing.assert_close((last_h[0], last_c[0]), (h, c), **CLOSE)
        assert not torch.equal(stay[0][:, 0], stay[0][:, 1])

    def test_layers_and_directions_have_masks_of_their_own(self):
        """A first layer of zeros leaves the second with biases alone; then outputs tell which units moved."""
        ours = nn.ZoneoutGRU(3, 50, 2, p=0.5, bidirectional=True, batch_first=True, **DOUBLE)
        output, last = draw(ours, torch.randn(1, 1, 3, **DOUBLE))
        moved = [state[0] != 0 for state in last]
        assert torch.equal(output[0, 0] != 0, torch.cat(moved[2:]))
        agree = [(moved[i] == moved[j]).double().mean() for i in range(4) for j in range(i)]
        assert all(abs(share - 0.5) < 4 * 0.5 / 50**0.5 for share in agree)

    @pytest.mark.parametrize("options", [{"num_layers": 2, "dropout": 0.5}, {"bidirectional": True}])
    def test_packed_is_each_sequence_by_itself_under_its_own_sample_id(self, options):
        ours = nn.ZoneoutLSTM(3, 4, p=0.3, **options, **DOUBLE)
        samples = torch.tensor([10, 11, 12, 13])
        result, last = draw(ours, pack_sequence(sequences(), enforce_sorted=False), samples=samples)
        padded, lengths = pad_packed_sequence(result)
        for n, sequence in enumerate(sequences()):
            alone, states = draw(ours, sequence[:, None], samples=samples[n : n + 1])
            assert lengths[n] == len(sequence)
            torch.testing.assert_close(padded[: len(sequence), n], alone[:, 0], **CLOSE)
            for mine, theirs in zip(last, states, strict=True):
                torch.testing.assert_close(mine[:, n], theirs[:, 0], **CLOSE)

    def test_time_first_is_batch_first_turned(self):
        first, second = (nn.ZoneoutLSTM(3, 4, p=0.3, batch_first=way, **DOUBLE) for way in (True, False))
        second.load_state_dict(first.state_dict())
        x = torch.randn(6, 5, 3, **DOUBLE)
        assert torch.equal(draw(second, x.transpose(0, 1))[0].transpose(0, 1), draw(first, x)[0])

    def test_a_longer_sequence_begins_as_a_shorter_one(self):
        ours, x = nn.ZoneoutGRU(3, 4, p=0.3, batch_first=True, **DOUBLE), torch.randn(6, 9, 3, **DOUBLE)
        torch.testing.assert_close(draw(ours, x)[0][:, :4], draw(ours, x[:, :4])[0], **CLOSE)

    def test_dropout_between_layers_has_a_key(self):
        ours, x = nn.ZoneoutGRU(3, 4, 2, p=0.0, dropout=0.5, **DOUBLE), torch.randn(6, 5, 3, **DOUBLE)
        assert torch.equal(draw(ours, x)[0], draw(ours, x)[0])
        assert not torch.equal(draw(ours, x)[0], draw(ours, x, step=1)[0])
        first, second = (torch.nn.GRU(size, 4, **DOUBLE) for size in (3, 4))
        for number, part in enumerate((first, second)):
            weights = {name: value for name, value in ours.state_dict().items() if name.endswith(f"l{number}")}
            part.load_state_dict({name.replace("l1", "l0"): value for name, value in weights.items()})
        between = F.dropout(first(x)[0].transpose(0, 1), 0.5, True, key=key_of(2, samples=True))
        torch.testing.assert_close(draw(ours, x)[0], second(between.transpose(0, 1))[0], **CLOSE)

    def test_gradients_of_parameters(self):
        ours, x = nn.ZoneoutLSTM(2, 3, p=0.4, batch_first=True, **DOUBLE), torch.randn(3, 4, 2, **DOUBLE)
        names = list(dict(ours.named_parameters()))
        module = torch.nn.ModuleDict({"rnn": ours})

        def called(*values):
            with keyed(module, seed=3):
                return torch.func.functional_call(ours, dict(zip(names, values, strict=True)), (x,))[0]

        assert torch.autograd.gradcheck(called, tuple(value.detach().requires_grad_() for value in ours.parameters()))

    def test_wrong_options_say_what_is_wanted(self):
        with pytest.raises(UserError, match="proj_size=2"):
            nn.ZoneoutLSTM(3, 4, proj_size=2)
        with pytest.raises(UserError, match="proj_size=2"):
            nn.ZoneoutLSTM.adopt(torch.nn.LSTM(3, 4, proj_size=2))
        with pytest.raises(UserError, match=r"got 1.5"):
            nn.ZoneoutLSTM(3, 4, p_cell=1.5)


class TestFunction:
    def test_training(self):
        new, old = torch.rand(40, 50) + 1, -torch.rand(40, 50) - 1
        y = F.zoneout(new, old, 0.3, key=KEY)
        stayed = y == old
        assert torch.equal(torch.where(stayed, old, new), y)
        assert abs(stayed.double().mean() - 0.3) < 4 * (0.21 / 2000) ** 0.5
        assert F.zoneout(new, old, 0.0) is not old
        assert torch.equal(F.zoneout(new, old, 0.0), new)
        assert torch.equal(F.zoneout(new, old, 1.0), old)

    def test_eval(self):
        new, old = torch.rand(4, 5), torch.rand(4, 5)
        torch.testing.assert_close(F.zoneout(new, old, 0.3, training=False), 0.7 * new + 0.3 * old)
        found = F.zoneout(new, old, torch.tensor(0.3, dtype=torch.float64), training=False)
        torch.testing.assert_close(found, 0.7 * new + 0.3 * old)

    def test_wrong_states(self):
        with pytest.raises(UserError, match=r"\(2, 3\) and an old one of shape \(3,\)"):
            F.zoneout(torch.ones(2, 3), torch.ones(3))
        with pytest.raises(UserError, match="int64"):
            F.zoneout(torch.ones(2).long(), torch.ones(2).long())


@pytest.mark.parametrize(("layer", "kind"), [*PAIRS, *ZONED])
class TestBoth:
    def test_adoption(self, layer, kind):
        module = kind(3, 4, 2, batch_first=True, bidirectional=True).eval()
        new = layer.adopt(module, 0.3)
        assert list(new.state_dict()) == list(module.state_dict())
        assert all(mine is theirs for mine, theirs in zip(new.parameters(), module.parameters(), strict=True))
        assert (new.p, new.training, new.batch_dim) == (0.3, False, 0)
        x = torch.randn(6, 5, 3)
        if layer in {nn.WeightDropLSTM, nn.WeightDropGRU}:
            torch.testing.assert_close(flat(new(x)), flat(module(x)), rtol=1e-6, atol=1e-6)
        wanted = flat(draw(new.train(), x))
        for other in (copy.deepcopy(new), pickle.loads(pickle.dumps(new))):
            assert all(torch.equal(*pair) for pair in zip(flat(draw(other, x)), wanted, strict=True))
        new.weight_hh_l0 = torch.nn.Parameter(torch.zeros(16 if kind is torch.nn.LSTM else 12, 4))
        assert module._flat_weights[1] is module.weight_hh_l0
        with pytest.raises(UserError, match=f"got a Linear; exactly a torch.nn.{kind.__name__}"):
            layer.adopt(torch.nn.Linear(3, 4))

    def test_state_dicts_go_both_ways(self, layer, kind):
        ours, theirs = layer(3, 4, 2, p=0.3), kind(3, 4, 2)
        theirs.load_state_dict(ours.state_dict())
        ours.load_state_dict(theirs.state_dict())
        assert ours.train().p == 0.3

    def test_one_sequence_without_a_batch(self, layer, kind):
        ours = layer(3, 4, 2, p=0.3, bidirectional=True, **DOUBLE)
        x = torch.randn(5, 3, **DOUBLE)
        alone, batch = draw(ours, x), draw(ours, x[:, None])
        torch.testing.assert_close(flat(alone), [part.squeeze(1) for part in flat(batch)], **CLOSE)
        again = draw(ours, x, alone[1])
        torch.testing.assert_close(again[0], draw(ours, x[:, None], batch[1])[0][:, 0], **CLOSE)

    def test_states_are_carried(self, layer, kind):
        ours, x = layer(3, 4, p=0.3, **DOUBLE).eval(), torch.randn(6, 5, 3, **DOUBLE)
        whole, last = ours(x)
        first, state = ours(x[:2])
        second, end = ours(x[2:], state)
        torch.testing.assert_close(torch.cat([first, second]), whole, **CLOSE)
        torch.testing.assert_close(end, last, **CLOSE)

    def test_wrong_inputs(self, layer, kind):
        ours = layer(3, 4, p=0.3)
        wrong = torch.zeros(1, 5, 4)
        with pytest.raises(RankError, match=r"\(1, 5, 4\).*\(1, 6, 4\)"):
            ours(torch.ones(2, 6, 3), (wrong, wrong) if kind is torch.nn.LSTM else wrong)
        with pytest.raises(UserError, match=r"no time steps, \(0, 6, 3\)"):
            ours(torch.ones(0, 6, 3))
        with pytest.raises(UserError, match="int64"):
            ours(pack_sequence([torch.ones(2, 3).long()]))

    @pytest.mark.parametrize("features", [2, 24])
    def test_an_input_of_another_width_is_refused(self, layer, kind, features):
        """Torch's kernels do not look at it, and read beyond the weights."""
        ours = layer(3, 4, p=0.3)
        x = torch.ones(5, 2, features)
        for given in (x, x[:, 0], pack_sequence([x[:, 0], x[:3, 1]])):
            with pytest.raises(UserError, match=rf"{layer.__name__} got an input of {features} features; input_size=3"):
                ours(given)

    def test_compiled_and_exported_with_states(self, layer, kind):
        ours = layer(3, 4, 2, p=0.3, bidirectional=True, **DOUBLE)
        x, state = torch.randn(3, 5, 3, **DOUBLE), torch.randn(4, 5, 4, **DOUBLE)
        hx = (state, state) if kind is torch.nn.LSTM else state
        torch.compiler.reset()
        compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
        eager = flat(draw(ours, x, hx))
        with keyed(torch.nn.ModuleDict({"rnn": ours}), seed=3):
            traced = flat(compiled(x, hx))
        torch.testing.assert_close(traced, eager, **CLOSE)
        wanted = torch.autograd.grad(sum(part.square().sum() for part in eager), list(ours.parameters()))
        found = torch.autograd.grad(sum(part.square().sum() for part in traced), list(ours.parameters()))
        torch.testing.assert_close(found, wanted, **CLOSE)
        ours.eval()
        exported = torch.export.export(ours, (x, hx)).module()
        torch.testing.assert_close(flat(exported(x, hx)), flat(ours(x, hx)), **CLOSE)

    def test_bfloat16(self, layer, kind):
        ours = layer(3, 4, p=0.3, dtype=torch.bfloat16)
        assert flat(draw(ours, torch.randn(2, 5, 3).bfloat16()))[1].dtype == torch.bfloat16


@pytest.mark.parametrize("kind", [nn.ZoneoutLSTM, nn.ZoneoutGRU, nn.WeightDropLSTM, nn.WeightDropGRU])
def test_autocast_to_bfloat16_trains_and_stays_near(kind):
    torch.manual_seed(0)
    layer, x = kind(6, 5, 2, p=0.3, batch_first=True, bidirectional=True), torch.randn(4, 3, 6)
    model = torch.nn.ModuleDict({"rnn": layer})
    for mode in (True, False):
        layer.train(mode)
        with keyed(model, seed=1), torch.autocast("cpu", torch.bfloat16):
            found = layer(x)[0].float()
        with keyed(model, seed=1):
            wanted = layer(x)[0]
        assert (found - wanted).abs().max() < 0.02
        layer.zero_grad()
        found.sum().backward()
        assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())
