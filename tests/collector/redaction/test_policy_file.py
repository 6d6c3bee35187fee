"""A redaction file says what is masked beside the defaults; a mistake names its line and path."""

import pytest

from collector.redaction.errors import BadPolicy
from collector.redaction.policy_file import parse_policy
from collector.redaction.redactor import Redactor
from tests.collector.redaction.test_redactor import logs_with, spans_with

SALT = "sixteen letters."


def body(policy, text):
    return Redactor(policy).redact(logs_with(["first", text])).batch.logs["body"][1].as_py()


def test_an_empty_file_is_the_default():
    assert body(parse_policy("", file="r.yaml"), "bob@example.com") == "[redacted:email]"


def test_own_keys_patterns_and_parameters_are_masked_beside_the_defaults():
    policy = parse_policy(
        "deny: [employee-*]\npatterns: {badge: 'B-([0-9]{4})'}\nparameters: [invite]\n",
        file="r.yaml",
    )
    assert (
        body(policy, "badge B-1234 of eve@a.org") == "badge B-[redacted:badge] of [redacted:email]"
    )
    assert body(policy, '{"Employee_Id": 7, "n": 1}') == '{"Employee_Id":"[redacted:key]","n":1}'
    assert body(policy, "/join?invite=abc") == "/join?invite=[redacted:parameter]"


def test_a_kind_can_be_turned_off():
    assert body(parse_policy("off: [email]", file="r.yaml"), "bob@example.com") == "bob@example.com"


def test_an_allow_list_fails_closed_but_for_what_slis_are_made_of():
    policy = parse_policy("allow: [plain, 'http.*']", file="r.yaml")
    batch = Redactor(policy).redact(spans_with(["abc", "def"])).batch
    first = batch.spans["attributes"][0].as_py()

    assert '"plain":"abc"' in first
    assert '"n":"[redacted:unlisted]"' in first
    assert '"nested":"[redacted:unlisted]"' in first
    assert batch.resources[0].service == "cart"
    assert '"service.name":"cart"' in batch.resources[0].attributes
    assert '"time_ns":18' in batch.spans["events"][0].as_py()


def test_hashes_need_a_salt():
    with pytest.raises(BadPolicy, match=r"r.yaml:2: hash: needs a salt"):
        parse_policy("off: []\nhash: true", file="r.yaml")
    assert body(parse_policy("hash: true", file="r.yaml", salt=SALT), "a@b.org").count(":") == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deny: [a]\nalow: []", r"r.yaml:2: alow: is unknown; known are allow"),
        ("deny: password", r"r.yaml:1: deny: must be a list"),
        ("deny:\n  - a\n  - 1", r"r.yaml:3: deny.1: must be a name"),
        ("off:\n  - emails", r"r.yaml:2: off.0: there is no kind 'emails'; there are api_key"),
        ("patterns:\n  a: '('", r"r.yaml:2: patterns.a: is no RE2 expression"),
        ("patterns:\n  a: 'x*'", r"r.yaml:2: patterns.a: matches the empty text"),
        ("patterns:\n  email: 'x'", r"r.yaml:2: patterns.email: is the name of a built-in"),
        ("hash: 1", r"r.yaml:1: hash: must be true or false"),
        ("a: [", r"r.yaml:1: YAML:"),
        ("- a", r"r.yaml:1: must be a YAML mapping"),
    ],
)
def test_a_mistake_names_its_line_and_path(text, said):
    with pytest.raises(BadPolicy, match=said):
        parse_policy(text, file="r.yaml")
