from matchfleet_client import models, printing

CLEAN = models.Check(invariant="I1", title="a result is never lost", ok=True)
BROKEN = models.Check(invariant="I4", title="no player holds two", ok=False, violations=["p1"])


def test_a_clean_audit_says_so() -> None:
    lines = printing.audit_lines(models.Audit(ok=True, checks=[CLEAN]))
    assert lines == ["ok   I1   a result is never lost", "clean"]


def test_each_violation_is_named_under_its_check() -> None:
    lines = printing.audit_lines(models.Audit(ok=False, checks=[CLEAN, BROKEN]))
    assert lines[1:3] == ["FAIL I4   no player holds two", "          p1"]
    assert lines[-1].startswith("not clean")
