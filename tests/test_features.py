"""Features: a set of switches, one per proposal."""

import pickle

import pytest

from wasmcy.features import DEFAULT, Features


def test_the_default_is_3_0_with_threads_wide_arithmetic_and_legacy_exceptions():
    off = {name for name in Features.NAMES if not getattr(DEFAULT, name)}
    assert off == {"custom_page_sizes", "custom_descriptors"}
    assert Features() == DEFAULT


def test_mvp_and_all():
    assert not any(getattr(Features.mvp(), name) for name in Features.NAMES)
    assert all(getattr(Features.all(), name) for name in Features.NAMES)


def test_with_changes_only_what_is_named():
    features = DEFAULT.with_(gc=False)
    assert not features.gc
    assert features.with_(gc=True) == DEFAULT
    assert hash(features.with_(gc=True)) == hash(DEFAULT)
    assert features != DEFAULT


def test_they_are_immutable():
    with pytest.raises(AttributeError, match="immutable"):
        DEFAULT.gc = False
    with pytest.raises(AttributeError, match="immutable"):
        del DEFAULT.gc


@pytest.mark.parametrize("switches", [{"garbage": True}, {"gc": 1}])
def test_a_wrong_switch_is_refused(switches):
    with pytest.raises(TypeError, match=next(iter(switches))):
        Features(**switches)


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (Features(), "Features()"),
        (Features(gc=False, simd=False), "Features(simd=False, gc=False)"),
        (Features.mvp(), "Features.mvp()"),
        (Features.mvp().with_(simd=True), "Features.mvp().with_(simd=True)"),
    ],
)
def test_repr_is_an_expression_for_it(features, text):
    assert repr(features) == text
    assert eval(text) == features


def test_pickling_keeps_the_switches():
    features = DEFAULT.with_(threads=False)
    assert pickle.loads(pickle.dumps(features)) == features
