import pytest
import torch

from silencio.models.head import HeadConfig, loss_of, probabilities


def config(**settings: object) -> HeadConfig:
    return HeadConfig.model_validate({"kind": "any", **settings}, strict=False)


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_loss__is_least_where_all_labels_are_named(loss: str) -> None:
    # Two labels: one who names both must do better than one who names only the first.
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    both, first = torch.tensor([[4.0, 4.0, -4.0, -4.0]]), torch.tensor([[8.0, -4.0, -4.0, -4.0]])
    settings = config(loss=loss, label_smoothing=0.0)
    assert loss_of(both, target, settings) < loss_of(first, target, settings)


def test_cross_entropy__of_two_labels_weighs_as_much_as_of_one() -> None:
    settings = config(loss="cross_entropy", label_smoothing=0.0)
    logits = torch.zeros(1, 4)
    one, two = torch.tensor([[1.0, 0, 0, 0]]), torch.tensor([[1.0, 1.0, 0, 0]])
    assert torch.isclose(loss_of(logits, one, settings), loss_of(logits, two, settings))


def test_probabilities__follow_the_loss() -> None:
    logits = torch.randn(3, 4)
    assert torch.allclose(probabilities(logits, "cross_entropy").sum(dim=1), torch.ones(3))
    assert torch.allclose(probabilities(logits, "bce"), logits.sigmoid())
