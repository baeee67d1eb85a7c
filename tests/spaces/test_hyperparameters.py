import keras_tuner
import pytest

from arnn_search.spaces.hyperparameters import AskingHyperParameters
from arnn_search.spaces.parameters import Parameter


class Asked(list):
    """Remembers what was asked, and answers from a table or with the default."""

    def __init__(self, **answers):
        super().__init__()
        self.answers = answers

    def __call__(self, parameter):
        self.append(parameter)
        return self.answers.get(parameter.name, parameter.default)


def test_is_a_keras_tuner_hyperparameters():
    assert isinstance(AskingHyperParameters(Asked()), keras_tuner.HyperParameters)


def test_each_kind_is_asked_as_it_is_declared():
    asked = Asked()
    hp = AskingHyperParameters(asked)
    hp.Choice("choice", ["a", "b"], default="b")
    hp.Int("int", 1, 9, step=2)
    hp.Int("log_int", 8, 64, sampling="log")
    hp.Float("rate", 1e-4, 1e-2, sampling="log", default=1e-3)
    hp.Float("share", 0.0, 0.5, step=0.1)
    hp.Boolean("flag", default=True)
    hp.Fixed("fixed", 3)
    assert asked == [
        Parameter("choice", "categorical", choices=("a", "b"), default="b"),
        Parameter("int", "int", low=1, high=9, step=2, default=1),
        Parameter("log_int", "int", low=8, high=64, log=True, default=8),
        Parameter("rate", "float", low=1e-4, high=1e-2, log=True, default=1e-3),
        Parameter("share", "float", low=0.0, high=0.5, step=0.1, default=0.0),
        Parameter("flag", "categorical", choices=(False, True), default=True),
    ]


def test_answers_are_returned_and_kept_in_values():
    hp = AskingHyperParameters(Asked(units=7, flag=True))
    assert hp.Int("units", 1, 9) == 7
    assert hp.Boolean("flag") is True
    assert hp.values["units"] == 7
    assert hp.get("units") == 7


def test_a_name_is_asked_once():
    asked = Asked(units=7)
    hp = AskingHyperParameters(asked)
    assert hp.Int("units", 1, 9) == hp.Int("units", 1, 9) == 7
    assert len(asked) == 1


def test_step_on_a_log_scale_is_a_choice_of_powers():
    asked = Asked()
    hp = AskingHyperParameters(asked)
    hp.Int("units", 16, 256, step=2, sampling="log")
    hp.Float("decay", 1e-4, 1e-1, step=10, sampling="log")
    assert asked[0].choices == (16, 32, 64, 128, 256)
    assert asked[1].choices == pytest.approx((1e-4, 1e-3, 1e-2, 1e-1))


def test_name_scopes_make_names():
    asked = Asked()
    hp = AskingHyperParameters(asked)
    with hp.name_scope("block_1"):
        hp.Choice("family", ["classic", "ar"])
    assert asked[0].name == "block_1/family"


def test_inactive_conditional_scope_is_never_asked():
    asked = Asked(model="tree")
    hp = AskingHyperParameters(asked)
    hp.Choice("model", ["net", "tree"])
    with hp.conditional_scope("model", ["net"]):
        assert hp.Int("layers", 1, 3) is None
    with hp.conditional_scope("model", ["tree"]):
        hp.Int("depth", 1, 3)
    assert [parameter.name for parameter in asked] == ["model", "depth"]


def test_same_name_in_two_scopes_is_asked_where_it_is_active():
    asked = Asked(model="tree", size=2)
    hp = AskingHyperParameters(asked)
    hp.Choice("model", ["net", "tree"])
    with hp.conditional_scope("model", ["net"]):
        assert hp.Int("size", 1, 3) is None
    with hp.conditional_scope("model", ["tree"]):
        assert hp.Int("size", 1, 3) == 2
    assert [parameter.name for parameter in asked] == ["model", "size"]
