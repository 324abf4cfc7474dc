"""Tests of the tests: each patch takes one mechanism away, and what is named in it must go red."""
