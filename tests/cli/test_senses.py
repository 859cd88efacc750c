"""Which sense of a word is taken, and when that is said."""


def test_a_name_with_several_senses_says_which_was_taken(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--labels", "jack,cat", "--jsonl")
    assert result.returncode == 0
    message = result.stderr.decode()
    assert "jack taken as n0" in message
    assert ", not n0" in message
    quiet = zsl("classify", str(cat_jpg), "--labels", "jack,cat", "--jsonl", "--quiet")
    assert quiet.stderr == b""
    by_id = zsl("classify", str(cat_jpg), "--labels", "n03126707,n02121620", "--jsonl")
    assert by_id.stderr == b""
    under = zsl("classify", str(cat_jpg), "--under", "jack", "--under", "cat", "--jsonl")
    assert b"jack taken as n0" in under.stderr
    assert b"cat taken as" not in under.stderr  # what people call a cat goes without saying
    shown = zsl("vocab", "show", "--label", "cat")
    assert b"cat taken as n02121620" in shown.stderr
