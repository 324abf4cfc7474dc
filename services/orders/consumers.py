"""Orders' door for events: each reaction is one call."""

from services.orders.commands.mark_orders_paid import mark_orders_paid, mark_orders_paid_held
from shared.contracts.billing import OrderPaid, OrderRefunded
from shared.worker import Reactions

reactions = Reactions("orders")
reactions.at_once(OrderPaid, mark_orders_paid, held=mark_orders_paid_held)
reactions.at_once(OrderRefunded, mark_orders_paid, held=mark_orders_paid_held)
