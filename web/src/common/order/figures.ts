import type { OrderPage } from '../api/schema';

/** What the question "pay for this order?" is about: figures as they stood when it was asked. */
export interface Figures {
  remaining: number;
  available: number;
  /** Paid if the answer is yes. */
  amount: number;
}

/** What could be paid now; null while billing says nothing of the balance. */
export function figuresOf(page: OrderPage): Figures | null {
  const { remaining_minor: remaining, customer } = page;
  if (customer.available_minor === null) return null;
  return {
    remaining,
    available: customer.available_minor,
    amount: Math.max(0, Math.min(remaining, customer.available_minor)),
  };
}

export type WhyNot = 'nothing_remains' | 'nothing_available' | 'unknown' | 'not_allowed';

/** Why this person cannot pay for the order now; null if they can: the server says so. */
export function whyNotPay(page: OrderPage): WhyNot | null {
  if (page.actions.includes('pay')) return null;
  const figures = figuresOf(page);
  if (page.remaining_minor === 0 || page.status === 'cancelled') return 'nothing_remains';
  if (!figures) return 'unknown';
  return figures.amount === 0 ? 'nothing_available' : 'not_allowed';
}
