"""A classifier of others, whose labels stand in another order, is put into the task's."""

import pytest
import torch

from prune.errors import UserError
from prune.models.loading import align_labels
from tests.architectures import ARCHITECTURES, inputs

LABELS = {0: "entailment", 1: "neutral", 2: "contradiction"}
CLASSIFIERS = [name for name, one in ARCHITECTURES.items() if one.auto_class == "AutoModelForSequenceClassification"]


def logits(model, name):
    with torch.no_grad():
        return model(**inputs(ARCHITECTURES[name])).logits


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_answers_follow_their_names(name):
    model = ARCHITECTURES[name].model(id2label={0: "CONTRADICTION", 1: "ENTAILMENT", 2: "NEUTRAL"})
    before = logits(model, name)
    align_labels(model, LABELS, "teacher")
    torch.testing.assert_close(logits(model, name), before[:, [1, 2, 0]])
    assert model.config.id2label == LABELS
    assert model.config.label2id["contradiction"] == 2


@pytest.mark.parametrize("theirs", [LABELS, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}])
@pytest.mark.parametrize("labels", [LABELS, None])
def test_what_is_in_order_or_does_not_tell_stays(theirs, labels):
    model = ARCHITECTURES["bert"].model(id2label=theirs)
    before = logits(model, "bert")
    align_labels(model, labels, "teacher")
    torch.testing.assert_close(logits(model, "bert"), before)


def test_other_labels_are_refused():
    model = ARCHITECTURES["bert"].model(id2label={0: "yes", 1: "no", 2: "maybe"})
    with pytest.raises(
        UserError, match="teacher: its labels are yes, no, maybe, those of the task entailment, neutral"
    ):
        align_labels(model, LABELS, "teacher")
