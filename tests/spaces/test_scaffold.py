import pytest

import arnn_search
from arnn_search.errors import SpaceError
from arnn_search.spaces.scaffold import write_new_space


def test_new_space_can_be_found_and_built(tmp_path, small_data):
    import keras_tuner

    path = write_new_space("my-net", tmp_path)
    assert path == tmp_path / "search_spaces" / "my_net.py"
    space = arnn_search.load_space(path)
    assert space.build(keras_tuner.HyperParameters(), small_data.spec).output_shape == (None, 2)


@pytest.mark.parametrize("name", ["3x", "a b", "../up", ""])
def test_unusable_names_are_refused(tmp_path, name):
    with pytest.raises(SpaceError, match="letters, digits"):
        write_new_space(name, tmp_path)


def test_taken_names_are_refused(tmp_path):
    write_new_space("mine", tmp_path)
    with pytest.raises(SpaceError, match="is a search space 'mine' already"):
        write_new_space("mine", tmp_path)
    with pytest.raises(SpaceError, match=r"is a search space 'dense-stack' already: .*dense_stack.py"):
        write_new_space("dense_stack", tmp_path)
