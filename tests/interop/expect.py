"""What a check says when it fails."""


def check(what, actual, *expected):
    if actual not in expected:
        raise AssertionError(f"{what}: got {actual!r:.300}, not {' or '.join(map(repr, expected))}")
