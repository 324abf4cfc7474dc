"""What all bodies have in common."""

from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.base import Text

T = TypeVar("T")


class Request(BaseModel):
    """What comes in: a field we do not know is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """What goes out."""

    model_config = ConfigDict(frozen=True)


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the cursor of the part that follows, null at the end."""

    items: list[T]
    next: str | None


Note = Annotated[Text, StringConstraints(max_length=500)]
Address = Annotated[Text, StringConstraints(max_length=500)]


class Problem(BaseModel):
    """A refusal, as RFC 9457 has it, with a `code` for programs and a `detail` for people; that of a 5xx also has the
    `correlation_id`, to be named to whoever looks after the shop."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int
    code: str = Field(examples=["insufficient_funds"])
    detail: str


class ActView(View):
    """What somebody of the staff did: who, when, what, on whom, and the note they left.

    The act `refused` is what they tried and could not: `tried` and `code` in the details say what, and why.
    """

    at: AwareDatetime
    login: str
    role: str
    act: str
    subject: str
    note: str | None
    details: dict[str, str | int | None] = Field(description="What was changed, and `<name>_before`: as it had been.")
    correlation_id: str | None = Field(description="`X-Correlation-Id` of the request.")
