"""What several tests share, and how the tests are laid out.

The tests of `src/lianpu/a/b.py` are in `tests/a/test_b.py`, or in `tests/a/test_b_aspect.py` where one file would be too long.
A folder's `conftest.py` holds what only that folder needs; `tests/conftest.py` holds the small drawn data set and the face analyzer.
Everything else that two tests need is here, and is imported plainly: `from tests.support.portraits import portrait`.
Take `portraits` where any face will do (files, commands, detectors), and `subjects` where points and parts must be known exactly.
Take `shared` only where real faces matter: such tests are skipped where the data is absent, and the end of a run counts them.
`LIANPU_SHARED=/nowhere make test` shows what a public clone sees.
Tests use public names only (`tests/test_architecture.py` checks it), make their own inputs, and never assert on time.
`edit_cases` is no test: it hashes a list of edits, to show that a change of the code changes no pixel.
"""
