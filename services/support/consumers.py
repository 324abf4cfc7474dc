"""Support's door for events: each reaction is one call."""

from functools import partial

from services.support.commands.note_operations import note_operations, note_operations_held
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.worker import Reactions

reactions = Reactions("support")
reactions.at_once(OrderPaid, partial(note_operations, kind="paid"), held=partial(note_operations_held, kind="paid"))
reactions.at_once(
    OrderRefunded, partial(note_operations, kind="refunded"), held=partial(note_operations_held, kind="refunded")
)
