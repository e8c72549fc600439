"""The errors that AWS answers with."""


class ApiError(Exception):
    """An answer that is an error: its code, as boto3 shows it, and its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class ValidationError(ApiError):
    """A request that the service does not accept as it is."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class InvalidRequest(ApiError):  # noqa: N818  EMR's name
    """EMR's answer to a request about what is not there."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidRequestException", message)


class NotFound(ApiError):  # noqa: N818  EMR Serverless's name
    """EMR Serverless's answer to a request about what is not there."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", message, 404)


class Conflict(ApiError):  # noqa: N818  EMR Serverless's name
    """EMR Serverless's answer to a request that what is there stands against."""

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message, 409)
