import { Anchor, Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { OrderPage } from '../../common/api/schema';
import { Amount } from '../../common/money/Amount';
import { Held } from '../../common/money/Held';
import { ChatIcon } from '../../common/ui/icons';
import { Panel } from '../../common/ui/Panel';
import { Chat } from './Chat';
import { MoneyMenu } from './MoneyMenu';

/** Who ordered, what they have, and the way to talk to them. */
export function CustomerPanel({ page, refresh }: { page: OrderPage; refresh: () => Promise<OrderPage | undefined> }) {
  const { t } = useTranslation();
  const { customer } = page;
  const [chatting, chat] = useDisclosure();
  return (
    <Panel title={customer.name} wide>
      <dl className="facts words">
        <dt>{t('customer.login')}</dt>
        <dd>
          <Anchor component={Link} href={`/customers/${customer.id}`} inherit>
            {customer.login}
          </Anchor>
        </dd>
        <dt>{t('customer.phone')}</dt>
        <dd>{customer.phone || '—'}</dd>
        <dt>{t('customer.email')}</dt>
        <dd>
          <Anchor href={`mailto:${customer.email}`} inherit>
            {customer.email}
          </Anchor>
        </dd>
        <dt>{t('customer.address')}</dt>
        <dd>{page.shipping_address || '—'}</dd>
        <dt style={{ alignSelf: 'center' }}>{t('customer.balance')}</dt>
        <dd>
          <Balance page={page} />
          <MoneyMenu page={page} refresh={refresh} />
        </dd>
        <dt>{t('customer.other_orders')}</dt>
        <dd>{customer.active_orders.length ? <OtherOrders numbers={customer.active_orders} /> : '—'}</dd>
      </dl>
      <Button fullWidth mt="sm" variant="light" leftSection={<ChatIcon />} onClick={chat.open}>
        {t('chat.open')}
        {page.tickets && <Ovals tickets={page.tickets} />}
      </Button>
      {chatting && <Chat page={page} onClose={chat.close} />}
    </Panel>
  );
}

function Balance({ page }: { page: OrderPage }) {
  const { t } = useTranslation();
  const { balance_minor: balance, held_minor: held } = page.customer;
  if (balance === null) return <em>{t('customer.balance_unknown')}</em>;
  return (
    <>
      <strong>
        <Amount minor={balance} currency={page.currency} />
      </strong>
      <Held minor={held} currency={page.currency} />
    </>
  );
}

function OtherOrders({ numbers }: { numbers: string[] }) {
  return numbers.map((number, place) => (
    <span key={number}>
      {place > 0 && ', '}
      <Anchor component={Link} href={`/orders/${number}`} inherit>
        {number}
      </Anchor>
    </span>
  ));
}

/** Green: conversations with something staff have not read. Grey: all of them. */
function Ovals({ tickets }: { tickets: { new: number; total: number } }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="oval new" style={{ marginLeft: 10 }} title={t('tickets.new_count', { count: tickets.new })}>
        {tickets.new}
        <span className="visually-hidden"> {t('tickets.new')}</span>
      </span>
      <span className="oval all" style={{ marginLeft: 4 }} title={t('tickets.total_count', { count: tickets.total })}>
        {tickets.total}
        <span className="visually-hidden"> {t('tickets.total')}</span>
      </span>
    </>
  );
}
