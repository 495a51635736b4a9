"""The engines' error belongs to the library's tree."""

from __future__ import annotations

import pickle

from dynamodb_wrapper.exceptions import DynamoDBWrapperError
from dynamodb_wrapper.local import EngineError


def test_an_engine_error_is_one_of_the_librarys_with_a_code_of_its_own_and_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(EngineError("no Java")))
    assert isinstance(error, DynamoDBWrapperError)
    assert (error.code, error.message, error.retryable) == ("engine_unavailable", "no Java", False)
