"""I-1 to I-16, in their order."""

from tests.faults.invariants.delivery import (
    i05_every_change_has_its_event,
    i06_no_event_lacks_its_change,
    i10_every_event_took_effect_once,
    i12_versions_run_from_1_without_a_gap,
    i15_nothing_is_left_over,
    i16_no_connection_is_stuck,
)
from tests.faults.invariants.money import (
    i01_money_is_neither_made_nor_lost,
    i02_a_balance_is_the_sum_of_its_transfers,
    i03_no_balance_was_ever_negative,
    i07_a_payment_is_on_its_order_or_back,
    i08_nothing_is_kept_beyond_the_total,
    i09_paid_means_paid,
)
from tests.faults.invariants.people import (
    i04_what_was_acknowledged_is_there,
    i11_what_is_counted_and_shown_is_so,
    i13_what_was_refused_did_nothing,
    i14_what_was_repeated_was_done_once,
)
from tests.faults.judge import Invariant

INVARIANTS: tuple[Invariant, ...] = (
    i01_money_is_neither_made_nor_lost,
    i02_a_balance_is_the_sum_of_its_transfers,
    i03_no_balance_was_ever_negative,
    i04_what_was_acknowledged_is_there,
    i05_every_change_has_its_event,
    i06_no_event_lacks_its_change,
    i07_a_payment_is_on_its_order_or_back,
    i08_nothing_is_kept_beyond_the_total,
    i09_paid_means_paid,
    i10_every_event_took_effect_once,
    i11_what_is_counted_and_shown_is_so,
    i12_versions_run_from_1_without_a_gap,
    i13_what_was_refused_did_nothing,
    i14_what_was_repeated_was_done_once,
    i15_nothing_is_left_over,
    i16_no_connection_is_stuck,
)
