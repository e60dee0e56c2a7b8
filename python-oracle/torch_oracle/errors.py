"""What the oracle answers instead of a trace."""


class OracleError(Exception):
    """A refusal with one of PROTOCOL.md's codes; the message says where and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def fields(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


class BadProgram(OracleError):
    """A program that no torch could run."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__("BAD_PROGRAM", f"{path}: {problem}")


class Unsupported(OracleError):
    """Something that PROTOCOL.md has no form for, or that the error bound does not know."""

    def __init__(self, message: str) -> None:
        super().__init__("UNSUPPORTED", message)
