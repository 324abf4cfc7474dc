import { Anchor, Button, Group, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { $api } from '../../common/api/client';
import { byCursor } from '../../common/api/queries';
import type { BalanceView, CustomerView } from '../../common/api/schema';
import { Amount } from '../../common/money/Amount';
import { type Days, Period } from '../../common/money/Period';
import { Statement } from '../../common/money/Statement';
import { OrderList } from '../../common/order/OrderList';
import { OrderSkeleton } from '../../common/order/OrderSkeleton';
import { Answer, Lines } from '../../common/ui/Answer';
import { More } from '../../common/ui/More';
import { Nothing } from '../../common/ui/Nothing';
import { PageTitle } from '../../common/ui/PageTitle';
import { Panel } from '../../common/ui/Panel';
import { MoneyActs } from '../Acts';
import { HoldList } from '../withdrawals/HoldList';
import { CustomerTickets } from './CustomerTickets';
import { MoveMoney } from './MoveMoney';

/** A customer's profile: who they are, their money, orders and conversations. */
export function Customer({ id }: { id: string }) {
  const query = $api.useQuery('get', '/api/admin/customers/{customer_id}', { params: { path: { customer_id: id } } });
  return (
    <Answer query={query} skeleton={<OrderSkeleton />}>
      {(customer) => (
        <Stack gap="sm">
          <PageTitle title={customer.name} />
          <div className="order-grid">
            <Who customer={customer} />
            <Balance customer={customer} />
            <CustomerTickets customer={customer} />
          </div>
          <WaitingWithdrawals customerId={id} />
          <Orders customerId={id} />
          <Transfers customerId={id} />
          <MoneyActs customerId={id} />
        </Stack>
      )}
    </Answer>
  );
}

function Who({ customer }: { customer: CustomerView }) {
  const { t } = useTranslation();
  return (
    <Panel title={t('customer.contact')}>
      <dl className="facts words">
        <dt>{t('customer.login')}</dt>
        <dd>{customer.login}</dd>
        <dt>{t('customer.phone')}</dt>
        <dd>{customer.phone || '—'}</dd>
        <dt>{t('customer.email')}</dt>
        <dd>
          <Anchor href={`mailto:${customer.email}`} inherit>
            {customer.email}
          </Anchor>
        </dd>
        <dt>{t('customer.address')}</dt>
        <dd>{customer.shipping_address || '—'}</dd>
      </dl>
    </Panel>
  );
}

function Balance({ customer }: { customer: CustomerView }) {
  const { t } = useTranslation();
  const query = $api.useQuery('get', '/api/admin/customers/{customer_id}/balance', {
    params: { path: { customer_id: customer.id } },
  });
  return (
    <Panel title={t('customer.balance')}>
      <Answer query={query} skeleton={<Lines count={3} height={20} />}>
        {(balance) => <Money customer={customer} balance={balance} />}
      </Answer>
    </Panel>
  );
}

function Money({ customer, balance }: { customer: CustomerView; balance: BalanceView }) {
  const { t } = useTranslation();
  const [doing, setDoing] = useState<'deposit' | 'withdraw' | null>(null);
  const { currency } = balance;
  return (
    <Stack gap="sm">
      <dl className="facts">
        <dt className="strong">{t('customer.balance')}</dt>
        <dd className="strong">
          <Amount minor={balance.balance_minor} currency={currency} />
        </dd>
        <dt>{t('customer.held')}</dt>
        <dd>
          <Amount minor={balance.held_minor} currency={currency} />
        </dd>
        <dt>{t('customer.available')}</dt>
        <dd>
          <Amount minor={balance.available_minor} currency={currency} />
        </dd>
      </dl>
      <Group gap="xs">
        {balance.actions.map((action) => (
          <Button key={action} variant="default" size="sm" onClick={() => setDoing(action)}>
            {t(`money.${action}`)}
          </Button>
        ))}
      </Group>
      {doing && (
        <MoveMoney
          kind={doing}
          customer={customer}
          currency={currency}
          available={balance.available_minor}
          onClose={() => setDoing(null)}
        />
      )}
    </Stack>
  );
}

/** Nothing where nothing waits. */
function WaitingWithdrawals({ customerId }: { customerId: string }) {
  const { t } = useTranslation();
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/holds',
    { params: { query: { customer_id: customerId, state: 'waiting', limit: 10 } } },
    byCursor,
  );
  const holds = query.data?.pages.flatMap((part) => part.items);
  if (!holds?.length) return null;
  return (
    <Panel title={t('holds.title')} flush>
      <HoldList holds={holds} />
      <More query={query} />
    </Panel>
  );
}

function Orders({ customerId }: { customerId: string }) {
  const { t } = useTranslation();
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/orders',
    { params: { query: { customer_id: customerId, limit: 10 } } },
    byCursor,
  );
  return (
    <Panel title={t('place.orders')} flush>
      <Answer query={query}>
        {({ pages }) => {
          const orders = pages.flatMap((part) => part.items);
          return orders.length ? <OrderList orders={orders} /> : <Nothing>{t('orders.none')}</Nothing>;
        }}
      </Answer>
      <More query={query} />
    </Panel>
  );
}

function Transfers({ customerId }: { customerId: string }) {
  const { t } = useTranslation();
  const [days, setDays] = useState<Days>({ from: '', to: '' });
  const [open, { open: show }] = useDisclosure();
  return (
    <Panel title={t('statement.title')} flush>
      {open ? (
        <>
          <Period days={days} onChange={setDays} />
          <TransferList customerId={customerId} days={days} />
        </>
      ) : (
        <Group p="md" pt={0}>
          <Button variant="default" size="sm" onClick={show}>
            {t('statement.show')}
          </Button>
        </Group>
      )}
    </Panel>
  );
}

function TransferList({ customerId, days }: { customerId: string; days: Days }) {
  const query = $api.useInfiniteQuery(
    'get',
    '/api/admin/customers/{customer_id}/transfers',
    {
      params: {
        path: { customer_id: customerId },
        query: { limit: 50, ...(days.from && { from: days.from }), ...(days.to && { to: days.to }) },
      },
    },
    byCursor,
  );
  const { data: balance } = $api.useQuery('get', '/api/admin/customers/{customer_id}/balance', {
    params: { path: { customer_id: customerId } },
  });
  return (
    <Answer query={query}>
      {({ pages }) => (
        <Statement statement={pages} held={days.to ? 0 : balance?.held_minor} rest={<More query={query} />} />
      )}
    </Answer>
  );
}
