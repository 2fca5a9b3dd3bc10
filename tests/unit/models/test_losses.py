import pytest
import torch

from silencio.models.head import HeadConfig, loss_of, probabilities

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 1.0]])
TARGET = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.3, 0.7]])


def config(loss: str, **settings: float) -> HeadConfig:
    return HeadConfig(kind="any", loss=loss, label_smoothing=0.0, **settings)


def test_focal__with_gamma_0_is_bce() -> None:
    assert torch.equal(
        loss_of(LOGITS, TARGET, config("focal", focal_gamma=0.0)), loss_of(LOGITS, TARGET, config("bce"))
    )


def test_focal__is_that_of_the_paper_for_whole_labels() -> None:
    target = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    p = LOGITS.sigmoid()
    right = torch.where(target == 1, p, 1 - p)
    assert loss_of(LOGITS, target, config("focal", focal_gamma=2.0)).item() == pytest.approx(
        float((-((1 - right) ** 2) * right.log()).mean()), rel=1e-5
    )


def test_focal__counts_what_is_right_already_less() -> None:
    def share_of_the_easy(loss: str) -> float:
        easy, hard = (loss_of(torch.tensor([[x]]), torch.tensor([[1.0]]), config(loss)) for x in (4.0, -1.0))
        return float(easy / (easy + hard))

    assert share_of_the_easy("focal") < 0.05 * share_of_the_easy("bce")


@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_probabilities__of_losses_that_judge_each_class_alone_are_sigmoids(loss: str) -> None:
    assert torch.equal(probabilities(LOGITS, loss), LOGITS.sigmoid())


def test_probabilities__of_cross_entropy_sum_to_one() -> None:
    assert torch.allclose(probabilities(LOGITS, "cross_entropy").sum(dim=1), torch.ones(2))


def test_cross_entropy__a_doubtful_target_counts_as_much_as_it_sums_to() -> None:
    settings = config("cross_entropy")
    sure, doubtful = torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.0, 0.25, 0.0]])
    logits = torch.tensor([[1.0, -1.0, 0.5]])
    assert loss_of(logits, doubtful, settings).item() == pytest.approx(0.25 * loss_of(logits, sure, settings).item())
    # And two labels as much as one.
    twice = torch.tensor([[0.0, 1.0, 1.0]])
    assert loss_of(logits, twice, settings).item() == pytest.approx(loss_of(logits, 0.5 * twice, settings).item())
