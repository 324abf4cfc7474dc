import { QueryClient } from '@tanstack/react-query';
import { beforeEach, expect, test } from 'vitest';
import { makesStale, type News } from './news';

const ANN = '00000000-0000-0000-0000-00000000000a';
const BEN = '00000000-0000-0000-0000-00000000000b';
const TICKET = '00000000-0000-0000-0000-0000000000aa';

let client: QueryClient;

beforeEach(() => {
  client = new QueryClient();
  const admin = (path: string, ids: object = {}, data: unknown = {}) =>
    client.setQueryData(['get', `/api/admin${path}`, { params: { path: ids } }], data);
  client.setQueryData(['session'], { login: 'admin' });
  admin('/orders');
  admin('/orders/{number}', { number: 'ORD-1' }, { customer: { id: ANN } });
  admin('/orders/{number}', { number: 'ORD-2' }, { customer: { id: BEN } });
  admin('/orders/{number}/acts', { number: 'ORD-1' });
  for (const id of [ANN, BEN]) {
    for (const part of ['', '/balance', '/transfers', '/tickets'])
      admin(`/customers/{customer_id}${part}`, { customer_id: id });
  }
  admin('/holds');
  admin('/hold-counts');
  admin('/ticket-counts');
  admin('/tickets');
  admin('/tickets/{ticket_id}', { ticket_id: TICKET });
});

function stale<Event extends keyof News>(event: Event, news: Partial<News[Event]>): string[] {
  const found = client.getQueryCache().findAll({ predicate: (query) => makesStale(event, news as News[Event], query) });
  return found.map(({ queryKey: [, path, init] }) => {
    const ids = Object.values((init as { params: { path: Record<string, string> } }).params.path);
    return `${String(path)
      .replace('/api/admin', '')
      .replace(/{\w+}/, ids[0] ?? '')}`
      .replace(ANN, 'ann')
      .replace(BEN, 'ben');
  });
}

test("an order's change: the lists, its page, what was done with it, and its customer's other orders", () => {
  expect(stale('order_changed', { number: 'ORD-1', customer_id: ANN })).toEqual([
    '/orders',
    '/orders/ORD-1',
    '/orders/ORD-1/acts',
  ]);
  expect(stale('order_changed', { number: 'ORD-9', customer_id: BEN })).toEqual(['/orders', '/orders/ORD-2']);
});

test("a balance's change: its customer's money, and the pages that show it", () => {
  expect(stale('balance_changed', { customer_id: ANN })).toEqual([
    '/orders/ORD-1',
    '/customers/ann',
    '/customers/ann/balance',
    '/customers/ann/transfers',
  ]);
});

test('a withdrawal that waits: their list and their count', () => {
  expect(stale('hold_changed', { hold_id: 'h', customer_id: ANN })).toEqual(['/holds', '/hold-counts']);
});

test('counts of tickets: the badge, and the pages of that customer', () => {
  expect(stale('ticket_counts_changed', { customer_id: BEN })).toEqual(['/orders/ORD-2', '/ticket-counts']);
});

test('a message: its conversation, and the lists that it stands in', () => {
  expect(stale('message_added', { ticket_id: TICKET, customer_id: ANN })).toEqual([
    '/customers/ann/tickets',
    '/tickets',
    `/tickets/${TICKET}`,
  ]);
});
