"""What every task must do, as pytest tests. Inherit ``TaskContract`` and say how your task is made.

::

    class TestMine(TaskContract):
        def make(self):
            return MyTask()

        def batch(self, samples):
            generator = torch.Generator().manual_seed(samples)
            return torch.randn(samples, 3, generator=generator), torch.arange(samples) % 3
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import cloudpickle
import torch
from torch import Tensor, nn

from droplab.data.trees import leaves, mapped, picked
from droplab.errors import DataError, UserError
from droplab.execution.drawing import contents
from droplab.measures import read_measures
from droplab.tasks import Added, Task, evaluate, guessing
from droplab.tasks.sketch import Form

SAMPLES = 13
"""Odd, so that batches of 5 leave a last one of 3."""


class TaskContract:
    """Inherit, and write ``make`` and ``batch``."""

    plain_loss = True
    """Whether the figure ``loss`` is the mean of what is minimised: nothing weighted, nothing smoothed."""

    def make(self) -> Task:
        """A task."""
        raise NotImplementedError

    def batch(self, samples: int) -> tuple[Tensor, Any]:
        """Outputs and targets, the same on every call: ``(samples, …)`` each, in float32, none of them perfect."""
        raise NotImplementedError

    def ready(self) -> Task:
        """A task that has seen its targets."""
        task = self.make()
        task.check(self.batch(SAMPLES)[1])
        return task

    def sums(self, task: Task, parts: list[slice]) -> Added:
        """Figures over those parts of the batch."""
        outputs, targets = self.batch(SAMPLES)
        added = Added(task)
        for part in parts:
            added.add(*picked((outputs, targets), part))
        return added

    def close(self, found: Mapping[str, float], wanted: Mapping[str, float]) -> None:
        """Equal figures, up to the order in which they were added."""
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert math.isclose(found[name], value, rel_tol=2e-6, abs_tol=1e-6), (name, found[name], value)

    def test_the_loss_is_a_number_that_can_be_learned_from(self) -> None:
        """One finite number, whose gradient reaches the outputs and is finite."""
        outputs, targets = self.batch(SAMPLES)
        outputs.requires_grad_()
        loss = self.ready().loss(outputs, targets)
        assert loss.shape == (), f"loss has shape {tuple(loss.shape)}; one number is wanted"
        loss.backward()  # type: ignore[no-untyped-call]
        assert outputs.grad is not None
        assert bool(outputs.grad.isfinite().all())
        assert float(outputs.grad.abs().sum()) > 0

    def test_measures_are_measures_and_each_has_a_figure(self) -> None:
        """In their order, and finite."""
        task = self.ready()
        assert read_measures(list(task.measures)) == tuple(task.measures)
        figures = self.sums(task, [slice(None)]).figures()
        assert list(figures) == [measure.name for measure in task.measures]
        assert all(math.isfinite(value) for value in figures.values()), figures

    def test_means_of_folds_are_put_together_to_the_figure_of_the_whole(self) -> None:
        """Each of ``means`` is a measure that is a mean over ``count``."""
        task, (outputs, targets) = self.ready(), self.batch(SAMPLES)
        figures = self.sums(task, [slice(None)]).figures()
        means = getattr(task, "means", frozenset[str]())
        assert means & set(figures) == {name for name in means if name in task.figures(task.totals(outputs, targets))}
        total, count = dict.fromkeys(means & set(figures), 0.0), 0.0
        for part in (slice(0, 2), slice(2, None)):
            sums = task.totals(*picked((outputs, targets), part))
            here = float(sums["count"].sum())
            found = task.figures(sums)
            total = {name: value + found[name] * here for name, value in total.items()}
            count += here
        self.close({name: value / count for name, value in total.items()}, {name: figures[name] for name in total})

    def test_rows_are_one_for_each_sample_and_totals_their_sums(self) -> None:
        """In float64; ``loss`` and ``count`` among them."""
        task, (outputs, targets) = self.ready(), self.batch(SAMPLES)
        rows, totals = task.rows(outputs, targets), task.totals(outputs, targets)
        assert {"loss", "count"} <= set(rows) == set(totals)
        assert rows["loss"].shape == rows["count"].shape == (SAMPLES,)
        for name, row in rows.items():
            assert (len(row), row.dtype) == (SAMPLES, torch.float64), name
            torch.testing.assert_close(row.sum(0), totals[name], rtol=2e-6, atol=1e-6, msg=name)

    def test_the_mean_of_the_rows_is_what_is_minimised(self) -> None:
        """Where nothing is weighted."""
        task, (outputs, targets) = self.ready(), self.batch(SAMPLES)
        rows = task.rows(outputs, targets)
        if self.plain_loss:
            mean = float(rows["loss"].sum() / rows["count"].sum())
            assert math.isclose(mean, float(task.loss(outputs, targets)), rel_tol=1e-5, abs_tol=1e-7)

    def test_batches_do_not_matter(self) -> None:
        """Whole, in fives with a last one of three, one by one, and in another order."""
        task = self.ready()
        whole = self.sums(task, [slice(None)]).figures()
        for parts in (
            [slice(start, start + 5) for start in range(0, SAMPLES, 5)],
            [slice(at, at + 1) for at in range(SAMPLES)],
            [slice(5, None), slice(0, 5)],
        ):
            self.close(self.sums(task, parts).figures(), whole)

    def test_folds_are_what_their_samples_give(self) -> None:
        """Each as if it were all there is."""
        task, (outputs, targets) = self.ready(), self.batch(SAMPLES)
        folds = torch.arange(SAMPLES) % 2
        added = Added(task, folds)
        for start in range(0, SAMPLES, 5):
            added.add(*picked((outputs, targets), slice(start, start + 5)))
        for fold in (0, 1):
            alone = Added(task)
            alone.add(*picked((outputs, targets), folds == fold))
            self.close(added.figures(fold), alone.figures())
        self.close(added.figures(), self.sums(task, [slice(None)]).figures())

    def test_guessing_is_finite_and_has_one_row(self) -> None:
        """Outputs that know nothing of the input fit the targets."""
        task, (_, targets) = self.ready(), self.batch(SAMPLES)
        guess = task.guess(targets)
        assert len(guess) == 1
        task.check_outputs(guess.expand(SAMPLES, *guess.shape[1:]), targets)
        assert all(math.isfinite(value) for value in guessing(task, targets, targets).values())

    def test_strata_are_classes_or_nothing(self) -> None:
        """Whole numbers from 0, one for each sample."""
        strata = self.ready().strata(self.batch(SAMPLES)[1])
        if strata is not None:
            assert (strata.shape, strata.dtype) == ((SAMPLES,), torch.int64)
            assert int(strata.min()) >= 0

    def test_what_is_shown_is_one_thing_for_each_sample(self) -> None:
        """Or nothing."""
        shown = self.ready().shown(*self.batch(SAMPLES))
        if shown is not None:
            assert len(shown.classes) == len(shown.confidence) == SAMPLES

    def test_what_is_drawn_is_one_sketch_for_each_sample(self) -> None:
        """Or nothing; a task may leave the method out."""
        found = getattr(self.ready(), "sketches", lambda *_: ())(*self.batch(SAMPLES))
        if found:
            assert len(found) == SAMPLES
            for one in found:
                assert one.form in get_args(Form)
                truth, said = contents(one, [str(number) for number in range(1000)])
                assert type(truth) is type(said)

    def test_nothing_that_is_given_is_changed(self) -> None:
        """Outputs and targets are the caller's."""
        task, (outputs, targets) = self.make(), self.batch(SAMPLES)
        before = [tensor.clone() for _, tensor in leaves((outputs, targets))]
        task.check(targets)
        task.loss(outputs, targets)
        task.totals(outputs, targets)
        assert all(torch.equal(a, b) for a, (_, b) in zip(before, leaves((outputs, targets)), strict=True))

    def test_outputs_of_another_size_are_refused(self) -> None:
        """With an error of droplab's."""
        task, (outputs, targets) = self.ready(), self.batch(SAMPLES)
        task.check_outputs(outputs, targets)
        for wrong in (outputs[:-1], outputs[..., None].expand(*outputs.shape, 2), None):
            try:
                task.check_outputs(wrong, targets)
            except UserError:
                continue
            raise AssertionError(f"outputs {getattr(wrong, 'shape', wrong)} were not refused")

    def test_targets_that_are_not_numbers_are_refused(self) -> None:
        """NaN, and what is no tensor."""
        task, (_, targets) = self.make(), self.batch(SAMPLES)
        for wrong in (mapped(lambda tensor: torch.full(tensor.shape, math.nan), targets), "targets"):
            try:
                task.check(wrong)
            except DataError:
                continue
            raise AssertionError(f"targets {wrong} were not refused")

    def test_it_travels_to_workers(self) -> None:
        """By cloudpickle, as loops do."""
        there = cloudpickle.loads(cloudpickle.dumps(self.ready()))
        self.close(self.sums(there, [slice(None)]).figures(), self.sums(self.ready(), [slice(None)]).figures())

    def test_a_model_is_measured(self) -> None:
        """Through ``evaluate``, which gives the modes back."""
        task, (outputs, targets) = self.ready(), self.batch(SAMPLES)
        model = nn.Sequential(nn.Dropout(0.5)).train()
        found = evaluate(task, model, [(outputs, targets)], "val")
        assert [model.training, model[0].training] == [True, True]
        self.close(found, {f"val_{name}": v for name, v in self.sums(task, [slice(None)]).figures().items()})
