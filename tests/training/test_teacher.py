"""Distillation: the loss, the teachers' outputs, trainings of images and texts, and refusals."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops

from cctzoo import data, models, training, weights
from cctzoo.training import recipe_checks
from cctzoo.training.build import compile_model, training_model
from cctzoo.training.teacher import DistillationLoss, StudentAccuracy, Teachers, open_teachers
from tests.training.few import few_digits

CLASSES = 4
torch_only = pytest.mark.one_backend("torch")


def softmax(x):
    odds = np.exp(x - x.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def student(**changes):
    fields = {"depth": 1, "embed_dim": 16, "heads": 2, "input_shape": (16, 16, 1), "classes": 10}
    fields["classifier_activation"] = None
    return models.create_model("cct_2_3x2_32", **fields | changes)


@pytest.fixture
def teacher(tmp_path):
    """The path of a trained model for digits."""
    keras.utils.set_random_seed(1)
    weights.save_weights(student(heads=4), tmp_path / "teacher.safetensors")
    return str(tmp_path / "teacher.safetensors")


@pytest.mark.parametrize(("weight", "temperature"), [(0.0, 2.0), (0.3, 1.0), (1.0, 4.0)])
def test_loss_equals_its_formula(weight, temperature):
    random = np.random.default_rng(0)
    logits, taught = random.normal(size=(2, 5, CLASSES)).astype("float32")
    taught = np.log(softmax(taught))
    labels = np.eye(CLASSES, dtype="float32")[[0, 1, 2, 3, 0]]
    smooth = 0.9 * labels + 0.1 / CLASSES
    hard = -(smooth * np.log(softmax(logits))).sum(axis=1)
    p, q = softmax(taught / temperature), softmax(logits / temperature)
    soft = temperature**2 * (p * np.log(p / q)).sum(axis=1)
    loss = DistillationLoss(CLASSES, weight, temperature, 0.1)
    got = loss(labels, np.concatenate([logits, taught], axis=1))
    expected = np.mean((1 - weight) * hard + weight * soft)
    np.testing.assert_allclose(ops.convert_to_numpy(got), expected, rtol=1e-5)


@torch_only
def test_accuracy_is_that_of_the_student():
    metric = StudentAccuracy(2)
    metric.update_state(np.eye(2), np.array([[9, 0, 0, 1], [9, 0, 0, 1]], "float32"))
    assert float(metric.result()) == 0.5


def test_several_teachers_are_their_committee():
    """Each may end on logits or on softmax."""
    keras.utils.set_random_seed(0)
    members = [student(name="a"), student(name="b", classifier_activation="softmax")]
    x = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1)).astype("float32")
    logits, probabilities = (member.predict(x, verbose=0) for member in members)
    mean = (softmax(logits) + probabilities) / 2
    got = ops.convert_to_numpy(Teachers(members)(x))
    np.testing.assert_allclose(np.exp(got), mean, atol=1e-5)


def test_a_step_learns_from_the_teachers_alone_if_their_weight_is_1(teacher):
    """The labels then do not matter, and the teachers do not change."""
    samples = data.load("digits", train_samples=20, test_samples=10)
    images = samples.x_train[:8]
    found = []
    for label in (0, 1):
        keras.utils.set_random_seed(0)
        model = student(dropout=0.0, attention_dropout=0.0, stochastic_depth=0.0)
        recipe = few_digits(teacher=teacher, teacher_weight=1.0, augmentation=data.Augmentation())
        trained = training_model(model, recipe, samples)
        compile_model(trained, recipe, steps=10)
        before = [ops.convert_to_numpy(value) for value in trained.teachers.weights]
        trained.train_on_batch(images.astype("float32"), np.eye(10)[[label] * 8])
        found.append(model.get_weights())
        after = [ops.convert_to_numpy(value) for value in trained.teachers.weights]
        assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
        assert len(trained.trainable_variables) == len(model.trainable_variables)
    assert all(np.allclose(*pair, atol=1e-6) for pair in zip(*found, strict=True))
    assert not np.allclose(found[0][0], student().get_weights()[0])


@torch_only
def test_a_run_with_two_teachers(teacher, tmp_path):
    """A run is a teacher, too; the run is an ordinary one, and can be opened and resumed."""
    first = training.train(few_digits(epochs=1, warmup_epochs=0), tmp_path / "first")
    recipe = few_digits(teacher=(teacher, str(first.directory)), epochs=1, warmup_epochs=0)
    run = training.train(recipe, tmp_path / "second")
    assert run.model.count_params() == first.model.count_params()
    assert 0 <= run.figures["test_accuracy"] <= 1
    assert training.open_run(run.directory).recipe == recipe
    assert training.resume(run.directory).figures["test_accuracy"] == run.figures["test_accuracy"]


@torch_only
def test_a_text_model_learns_from_a_text_model(tmp_path):
    lines = ["text,label"] + [f"{word} film,{i % 2}" for i, word in enumerate("abcdefgh" * 5)]
    (tmp_path / "texts.csv").write_text("\n".join(lines))
    small = {"depth": 1, "embed_dim": 8, "word_dim": 8, "heads": 2, "length": 8}
    recipe = training.Recipe(
        dataset=f"csv:{tmp_path / 'texts.csv'}",
        model="text_cct_2_k2",
        changes=small,
        epochs=1,
        warmup_epochs=0,
        batch_size=8,
        augmentation=data.Augmentation(),
    )
    first = training.train(recipe, tmp_path / "first")
    second = dataclasses.replace(recipe, teacher=str(first.directory), seed=1)
    assert training.train(second, tmp_path / "second").figures["test_samples"] > 0


@torch_only
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 3}, "the same number of classes.*classes=3 of teacher='t.safetensors'"),
        ({"input_shape": (16, 16, 3)}, "the same input shape"),
        ({"include_preprocessing": False}, "the same pixel values"),
        ({"include_top": False}, "include_top=False"),
        ({"classifier_activation": "sigmoid"}, "exclude each other"),
        ({"class_names": tuple("9876543210")}, "the same order"),
    ],
)
def test_teachers_that_do_not_fit(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    weights.save_weights(student(**changes), "t.safetensors")
    with pytest.raises(ValueError, match=message):
        open_teachers(["t.safetensors"], student(class_names=tuple("0123456789")))


@torch_only
def test_a_teacher_with_other_words_is_refused(tmp_path):
    fields = {"length": 8, "word_dim": 8, "embed_dim": 8, "heads": 2, "depth": 1, "classes": 2}
    own, other = (
        models.create_model("text_cct_2_k2", vocabulary=words, **fields)
        for words in (("a", "b"), ("b", "a"))
    )
    weights.save_weights(other, tmp_path / "t.safetensors")
    with pytest.raises(ValueError, match="the vocabulary of the student"):
        open_teachers([str(tmp_path / "t.safetensors")], own)


@torch_only
def test_recipes_with_teachers(tmp_path):
    recipe = few_digits(teacher="cct_2_3x2_32.digits")
    assert recipe.teacher == ("cct_2_3x2_32.digits",)
    recipe.check_sources()
    fields = json.loads(json.dumps(dataclasses.asdict(recipe)))
    assert training.Recipe.from_dict(fields) == recipe
    found = training.Recipe.from_dict(fields | {"teacher": ["hf://user/name", "a.keras"]})
    assert found.teacher == ("cached:hf://user/name", "a.keras")  # a file downloads nothing
    with pytest.raises(ValueError, match=r"`teacher` must be .*teacher='nowhere\.keras'"):
        few_digits(teacher="nowhere.keras").check_sources()
    (tmp_path / "recipe.json").touch()
    assert recipe_checks.weights_of(str(tmp_path)) == str(tmp_path / "model.keras")
    for name, value in {"teacher": 3, "teacher_weight": 1.5, "teacher_temperature": 0}.items():
        with pytest.raises(ValueError, match=f"`{name}` must"):
            few_digits(**{name: value})
    with pytest.raises(ValueError, match="`teacher` must"):
        few_digits(teacher=())
