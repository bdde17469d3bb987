from __future__ import annotations

from archviz.architecture.caveats import add_caveats
from archviz.architecture.model import Architecture, Evidence, Fact, Identity, ModuleNode, Parameters


def architecture() -> Architecture:
    return Architecture(
        identity=Identity(id="org/model", class_name="Built", origin="catalog"),
        facts=[Fact(key="vision_hidden_size", value=768)],
        modules=ModuleNode(path="", name="", class_name="Built"),
        parameters=Parameters(total=0),
    )


def test_a_part_that_the_configuration_does_not_state_is_unverified() -> None:
    read = add_caveats(architecture(), {"vision_config": {"hidden_size": 768}}, {"text_config": {}})
    fact = read.fact("vision_hidden_size")
    told = read.fact("vision_source")
    assert fact is not None
    assert told is not None
    assert fact.status == "unverified"
    assert "no vision_config" in str(told.value)


def test_a_stated_part_and_a_types_own_defaults_stay_as_they_are() -> None:
    config = {"vision_config": {"hidden_size": 768}}
    for stated in ({"vision_config": {}}, None):
        fact = add_caveats(architecture(), config, stated).fact("vision_hidden_size")
        assert fact is not None
        assert fact.status == "verified"


def test_a_stated_class_that_was_not_built_is_told() -> None:
    told = add_caveats(architecture(), {}, {}, ["Missing"]).fact("class_choice")
    assert told is not None
    assert "Missing is not in the installed transformers; Built was built" in str(told.value)


def test_remarks_of_the_source_are_passed_on() -> None:
    place = Evidence(kind="catalog", where="catalog record")
    told = add_caveats(architecture(), {}, {}, remarks=[("a trimmed copy", place)]).fact("remark")
    assert told is not None
    assert (told.value, told.status, told.evidence) == ("a trimmed copy", "unverified", [place])
