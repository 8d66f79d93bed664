"""The tests of Lianpu, laid out as `src/lianpu` is; what they share is in `tests.support`."""
