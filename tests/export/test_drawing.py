from xml.etree import ElementTree

import keras

from arnn_search.export.document import Document
from arnn_search.export.drawing import describe_layers, draw


def test_drawing_has_a_box_for_each_layer_and_an_arrow_for_each_edge():
    inputs = keras.Input((4,), name="in<put")
    x = keras.layers.Dense(4, activation="relu")(inputs)
    outputs = keras.layers.Add()([inputs, x])
    boxes = list(describe_layers(keras.Model(inputs, outputs)))
    assert [box.sources for box in boxes] == [(), (0,), (0, 1)]
    root = ElementTree.fromstring(draw(boxes, title="a & b"))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}rect")) == 3
    assert len(root.findall(f"{space}path")) == 3


def test_sequential_layers_follow_one_another():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    assert [box.sources for box in describe_layers(model)] == [(), (0,)]


def test_document_escapes_in_both_renderings():
    document = Document("a <b>")
    document.paragraph("1 < 2")
    document.table(("x",), [("a|b",)])
    assert "&lt;b&gt;" in document.as_html()
    assert "1 &lt; 2" in document.as_html()
    assert "| a\\|b |" in document.as_markdown()
