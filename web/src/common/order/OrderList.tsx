import { Anchor, Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { OrderRow } from '../api/schema';
import { Amount } from '../money/Amount';
import { formatMoment } from '../text/dates';
import { Status } from '../ui/Status';

/** Orders as rows, each a link to its page; `withCustomer` says whose. */
export function OrderList({ orders, withCustomer = false }: { orders: OrderRow[]; withCustomer?: boolean }) {
  const { t } = useTranslation();
  return (
    <div className="rows">
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('order.number')}</Table.Th>
            <Table.Th>{t('order.status')}</Table.Th>
            <Table.Th>{t('order.placed_at')}</Table.Th>
            {withCustomer && <Table.Th>{t('order.customer')}</Table.Th>}
            <Table.Th className="amount">{t('order.total')}</Table.Th>
            <Table.Th className="amount">{t('order.remaining')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {orders.map((order) => (
            <Table.Tr key={order.number}>
              <Table.Td data-label={t('order.number')}>
                <Anchor component={Link} href={`/orders/${order.number}`} fw={600} inherit>
                  {order.number}
                </Anchor>
              </Table.Td>
              <Table.Td data-label={t('order.status')}>
                <Status of={order.status} />
              </Table.Td>
              <Table.Td data-label={t('order.placed_at')}>{formatMoment(order.placed_at)}</Table.Td>
              {withCustomer && (
                <Table.Td data-label={t('order.customer')}>
                  <Anchor component={Link} href={`/customers/${order.customer_id}`} inherit>
                    {order.customer_name}
                  </Anchor>
                </Table.Td>
              )}
              <Table.Td className="amount" data-label={t('order.total')}>
                <Amount minor={order.total_minor} currency={order.currency} />
              </Table.Td>
              <Table.Td className="amount" data-label={t('order.remaining')}>
                <Amount minor={order.remaining_minor} currency={order.currency} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
