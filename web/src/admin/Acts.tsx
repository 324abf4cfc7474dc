import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { $api } from '../common/api/client';
import type { ActView } from '../common/api/schema';
import { useMoney } from '../common/money/Amount';
import { formatMoment } from '../common/text/dates';
import { Answer, Lines } from '../common/ui/Answer';
import { Nothing } from '../common/ui/Nothing';
import { Panel } from '../common/ui/Panel';

/** What staff did with an order: who, when, what, and the note they left. */
export function OrderActs({ number, currency }: { number: string; currency: string }) {
  const query = $api.useQuery('get', '/api/admin/orders/{number}/acts', { params: { path: { number } } });
  return <Acts query={query} currency={currency} order={number} />;
}

/** What staff did with a customer's money. */
export function MoneyActs({ customerId }: { customerId: string }) {
  const params = { path: { customer_id: customerId } };
  const query = $api.useQuery('get', '/api/admin/customers/{customer_id}/acts', { params });
  return <Acts query={query} />;
}

interface Context {
  /** Of amounts whose act does not name it. */
  currency?: string;
  /** On whose page they stand, and need not name it. */
  order?: string;
}

function Acts({ query, ...context }: Context & { query: Parameters<typeof Answer<ActView[]>>[0]['query'] }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('acts.title')} flush>
      <Answer query={query} skeleton={<Lines count={2} />}>
        {(acts) =>
          acts.length ? (
            <ul className="acts">
              {acts.map((act) => (
                <Act key={`${act.at} ${act.act} ${act.details.line ?? ''}`} act={act} {...context} />
              ))}
            </ul>
          ) : (
            <Nothing>{t('acts.none')}</Nothing>
          )
        }
      </Answer>
    </Panel>
  );
}

function Act({ act, currency, order }: Context & { act: ActView }) {
  const { i18n } = useTranslation();
  const detail = useDetail(String(act.details.currency ?? currency ?? 'XXX'));
  const name = `acts.act.${act.act}`;
  const named = Object.entries(act.details).filter(([key, value]) => key !== 'order_number' || value !== order);
  const details = named.flatMap(([key, value]) => detail(key, value) ?? []);
  return (
    <li>
      <time dateTime={act.at}>{formatMoment(act.at)}</time> · <strong>{act.login}</strong>{' '}
      {i18n.exists(name) ? i18n.t(name as 'acts.none') : act.act}
      {details.length > 0 && (
        <Text span c="dimmed" inherit>
          {` · ${details.join(', ')}`}
        </Text>
      )}
      {act.note && ` · “${act.note}”`}
    </li>
  );
}

/** A detail in words: amounts as money, a status by its name; null for what only programs want. */
function useDetail(currency: string): (key: string, value: string | number | null) => string | null {
  const { i18n } = useTranslation();
  const money = useMoney(currency);
  return (key, value) => {
    const name = `acts.detail.${key}`;
    if (value === null || !i18n.exists(name)) return null;
    const isMoney = typeof value === 'number' && key.endsWith('_minor');
    const shown = isMoney ? money(value) : key === 'status' ? i18n.t(`status.${value}` as 'status.paid') : value;
    return `${i18n.t(name as 'acts.detail.line')} ${shown}`;
  };
}
