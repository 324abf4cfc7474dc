/** What each piece of news makes out of date. The truth itself is always asked for: news may come twice, late, or cross. */
import type { Query } from '@tanstack/react-query';
import type {
  BalanceChanged,
  HoldChanged,
  MessageAdded,
  OrderChanged,
  OrderPage,
  TicketChanged,
  TicketCountsChanged,
} from '../api/schema';

export interface News {
  order_changed: OrderChanged;
  balance_changed: BalanceChanged;
  hold_changed: HoldChanged;
  ticket_counts_changed: TicketCountsChanged;
  ticket_changed: TicketChanged;
  message_added: MessageAdded;
}

/** A cached answer: what was asked for, and what came. */
interface Cached {
  path: string;
  ids: Record<string, string>;
  data: unknown;
}

type Stale = { [Event in keyof News]: (news: News[Event], cached: Cached) => boolean };

const stale: Stale = {
  order_changed: (news, { path, ids, data }) =>
    path === '/orders' ||
    ids.number === news.number ||
    // Its other orders' pages name it while it is active.
    isPageOf(news.customer_id, path, data),
  balance_changed: (news, { path, ids, data }) =>
    ['/balance', '/transfers'].includes(path) ||
    (ids.customer_id === news.customer_id && !path.endsWith('/tickets')) ||
    isPageOf(news.customer_id, path, data),
  hold_changed: (news, { path, ids }) => ['/holds', '/hold-counts'].includes(path) || ids.hold_id === news.hold_id,
  ticket_counts_changed: (news, { path, ids, data }) =>
    path === '/ticket-counts' ||
    (ids.customer_id === news.customer_id && path.endsWith('/ticket-counts')) ||
    isPageOf(news.customer_id, path, data),
  ticket_changed: (news, cached) => isTicket(news, cached),
  message_added: (news, cached) => isTicket(news, cached),
};

function isPageOf(customerId: string, path: string, data: unknown): boolean {
  return path === '/orders/{number}' && (data as OrderPage | undefined)?.customer.id === customerId;
}

function isTicket(news: { ticket_id: string; customer_id: string }, { path, ids }: Cached): boolean {
  const isList = path === '/tickets' || (path.endsWith('/tickets') && ids.customer_id === news.customer_id);
  return isList || ids.ticket_id === news.ticket_id;
}

export function isNews(event: string): event is keyof News {
  return event in stale;
}

/** Whether the news makes this cached answer out of date. */
export function makesStale<Event extends keyof News>(event: Event, news: News[Event], query: Query): boolean {
  const [, path, init] = query.queryKey as [string, string | undefined, { params?: { path?: object } }?];
  if (!path) return false;
  return stale[event](news, {
    path: path.replace(/^\/api\/(admin|portal)/, ''),
    ids: { ...init?.params?.path },
    data: query.state.data,
  });
}
