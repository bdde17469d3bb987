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


def test_a_length_or_base_that_is_not_above_zero_is_unverified_and_remarked() -> None:
    model = architecture()
    place = Evidence(kind="config", where="max_position_embeddings")
    model.facts = [Fact(key="context_length", value=-3, evidence=[place]), Fact(key="rope_theta", value=10_000.0)]
    read = add_caveats(model, {}, {})
    assert [(fact.key, fact.status) for fact in read.facts[:2]] == [
        ("context_length", "unverified"),
        ("rope_theta", "verified"),
    ]
    assert str(read.facts[2].value).startswith("max_position_embeddings of -3 is no context length")
    assert len(read.facts) == 3


def test_a_negative_count_of_layers_is_remarked() -> None:
    told = add_caveats(architecture(), {}, {"text_config": {"num_hidden_layers": -3}}).fact("remark")
    assert told is not None
    assert "text_config.num_hidden_layers is negative" in str(told.value)
    assert add_caveats(architecture(), {}, {"num_hidden_layers": 3, "layer_types": None}).fact("remark") is None
