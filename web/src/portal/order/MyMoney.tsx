import { Anchor } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { OrderPage } from '../../common/api/schema';
import { Amount } from '../../common/money/Amount';
import { Held } from '../../common/money/Held';
import { Panel } from '../../common/ui/Panel';

/** What I have to pay with, and where the order goes. */
export function MyMoney({ page }: { page: OrderPage }) {
  const { t } = useTranslation();
  const { balance_minor: balance, held_minor: held, active_orders } = page.customer;
  return (
    <Panel title={t('order.delivery_and_balance')} wide>
      <dl className="facts words">
        <dt>{t('customer.address')}</dt>
        <dd>{page.shipping_address || '—'}</dd>
        <dt>{t('customer.balance')}</dt>
        <dd>
          {balance === null ? (
            <em>{t('customer.balance_unknown')}</em>
          ) : (
            <>
              <Anchor component={Link} href="/balance" inherit>
                <Amount minor={balance} currency={page.currency} />
              </Anchor>
              <Held minor={held} currency={page.currency} />
            </>
          )}
        </dd>
        <dt>{t('customer.other_orders')}</dt>
        <dd>
          {active_orders.length === 0 && '—'}
          {active_orders.map((number) => (
            <div key={number}>
              <Anchor component={Link} href={`/orders/${number}`} inherit>
                {number}
              </Anchor>
            </div>
          ))}
        </dd>
      </dl>
    </Panel>
  );
}
