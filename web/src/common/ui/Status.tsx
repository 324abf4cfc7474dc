import { useTranslation } from 'react-i18next';
import type { ItemStatus, OrderStatus } from '../api/schema';

// The same hue says the same thing of an order and of an item; the words beside it say it without colour.
const WAITING = '#e8890c';
const ATTENTION = '#d6336c';
const DONE = '#2f9e44';
const MOVING = '#1c7ed6';
const PACKED = '#7048e8';
const DEAD = '#868e96';

const tones: Record<OrderStatus | ItemStatus, string> = {
  awaiting_payment: WAITING,
  awaiting_additional_payment: ATTENTION,
  price_confirmation: ATTENTION,
  paid: DONE,
  in_handling: MOVING,
  ordered: MOVING,
  received: MOVING,
  ready_to_ship: PACKED,
  packed: PACKED,
  shipped: PACKED,
  completed: DONE,
  returned_to_supplier: DEAD,
  unable_to_deliver: DEAD,
  cancelled: DEAD,
};

/** A status in words, with a colour beside them. */
export function Status({ of: status, pill = false }: { of: OrderStatus | ItemStatus; pill?: boolean }) {
  const { t } = useTranslation();
  const tone = { '--tone': tones[status] } as React.CSSProperties;
  return (
    <span className={pill ? 'status pill' : 'status'} style={tone}>
      {t(`status.${status}`)}
    </span>
  );
}
