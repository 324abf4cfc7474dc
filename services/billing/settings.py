"""What billing's processes can be told."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.settings import ApiSettings, DatabaseUrl, Settings, ShopCurrency


@dataclass(frozen=True)
class WithdrawalRule:
    """How much staff may withdraw from one balance within 24 hours alone, and how long a larger one waits."""

    limit_minor: int
    approval_days: int


class BillingApiSettings(ApiSettings):
    currency: ShopCurrency = "USD"
    """The shop's money: that of its first day, for good."""
    withdrawal_limit_minor: Annotated[int, Field(ge=0)] = 100_000
    """How much, in minor units, may be withdrawn from one balance within 24 hours without a second person's approval;
    with 0 every withdrawal takes two people."""
    approval_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long a larger withdrawal waits for approval."""

    @property
    def withdrawals(self) -> WithdrawalRule:
        return WithdrawalRule(self.withdrawal_limit_minor, self.approval_days)


class VerifySettings(Settings):
    """What `purser verify` is told."""

    database_url: DatabaseUrl
    """Billing's database."""
